"""httpx and httpx2: each request and response is reported to `Calls`, and nothing is changed."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

from sentry_filters.evidence import LONGEST_BODY, conventions, headers_of, text_if_read
from sentry_filters.http.bodies import Passing, read_ahead, read_ahead_async, replayed, replayed_async
from sentry_filters.http.calls import Answer, Call, Calls
from sentry_filters.http.seams import Library, Members, Method, Watched


@runtime_checkable
class HttpClient(Protocol):
    """What hooks need of a client: httpx's and httpx2's `Client` and `AsyncClient` have it."""

    @property
    def event_hooks(self) -> MutableMapping[str, list[Callable[..., object]]]:
        """The client's hooks by name: `request` and `response`."""


class _Headers(Protocol):
    raw: Sequence[tuple[bytes, bytes]]

    def get(self, name: str, /) -> str | None: ...


class _Request(Protocol):
    url: object
    method: str
    headers: _Headers


class _Response(Protocol):
    status_code: int
    request: _Request
    headers: _Headers
    stream: Any  # `SyncByteStream` or `AsyncByteStream` of the client's library


class _Observer:
    """Tells `Calls` of requests and responses.

    Args:
        calls: Told of them.
    """

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self._names = frozenset(name.encode("latin-1") for name in calls.credential_headers)

    def sending(self, request: _Request) -> Call | None:
        """As `Calls.sending`."""
        try:
            credentials = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for given, value in request.headers.raw
                if (name := given.lower()) in self._names
            ]
        except Exception as error:  # noqa: BLE001 - the call continues, unobserved
            self.calls.fault(error)
            return None
        return self.calls.sending(tuple(credentials), lambda: request.url)

    def received(self, call: Call, response: _Response) -> None:
        passing, kind = self._learning(call, response, "SyncByteStream")
        if passing is not None and kind is not None:
            source = iter(response.stream)
            if _is_short(response):
                read_ahead(source, passing)
            chunks = replayed(source, passing)
            response.stream = type("LearnedStream", (_Stream, kind), {})(response.stream, chunks)

    async def received_async(self, call: Call, response: _Response) -> None:
        passing, kind = self._learning(call, response, "AsyncByteStream")
        if passing is not None and kind is not None:
            source = aiter(response.stream)
            if _is_short(response):
                await read_ahead_async(source, passing)
            chunks = replayed_async(source, passing)
            response.stream = type("LearnedAsyncStream", (_AsyncStream, kind), {})(response.stream, chunks)

    def _learning(self, call: Call, response: _Response, kind: str) -> tuple[Passing | None, type | None]:
        """Take note of a response; return where its body is learned, and its library's class of streams.

        Both are None where the body is known already, or of no interest.
        """
        request = response.request
        if 200 <= response.status_code < 300:
            self.calls.succeeded(call, str(request.url))
        if response.status_code not in conventions.SESSION_STATUSES:
            return None, None
        answer = Answer(
            status=response.status_code,
            url=str(request.url),
            method=request.method,
            sent=headers_of(request),
            headers=headers_of(response),
        )
        learned = self.calls.answered(call, response, answer)
        if learned is None:
            return None, None
        text = text_if_read(response)
        if text is not None:
            learned(text.encode("utf-8", "surrogatepass"))
            return None, None
        passing = Passing(response.headers.get("content-encoding"), learned)
        return passing, next((one for one in type(response.stream).__mro__ if one.__name__ == kind), None)


class _Hooks:
    """The hooks of single clients.

    Args:
        observer: Told of requests and responses.
    """

    def __init__(self, observer: _Observer) -> None:
        self._observer = observer
        self._sent: weakref.WeakKeyDictionary[_Request, Call] = weakref.WeakKeyDictionary()

    def on_request(self, request: _Request) -> None:
        call = self._observer.sending(request)
        if call is not None:
            with suppress(TypeError):  # a request that cannot be referenced weakly
                self._sent[request] = call

    def on_response(self, response: _Response) -> None:
        call = self._call_of(response)
        if call is not None:
            self._observer.received(call, response)

    async def on_request_async(self, request: _Request) -> None:
        self.on_request(request)

    async def on_response_async(self, response: _Response) -> None:
        call = self._call_of(response)
        if call is not None:
            await self._observer.received_async(call, response)

    def _call_of(self, response: _Response) -> Call | None:
        with suppress(TypeError):  # as above
            return self._sent.pop(response.request, None)
        return None


def _is_short(response: _Response) -> bool:
    length = response.headers.get("content-length") or ""
    return length.isascii() and length.isdigit() and int(length[:9]) <= LONGEST_BODY


class _Stream:
    def __init__(self, original: Any, chunks: Iterator[bytes]) -> None:
        self._original = original
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        self._original.close()


class _AsyncStream:
    def __init__(self, original: Any, chunks: AsyncIterator[bytes]) -> None:
        self._original = original
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def aclose(self) -> None:
        await self._original.aclose()


class Httpx(Library):
    """httpx and httpx2. One client is watched by hooks, which are documented; all of them at what sends.

    `_send_single_request` sends each attempt and each redirect, and sees what comes back from whatever
    transport, a user's own included.
    """

    modules = ("httpx", "httpx2")
    accepts = "a Client or AsyncClient of httpx or httpx2"
    has_hooks = True

    def __init__(self, calls: Calls, watched: Watched) -> None:
        super().__init__(calls, watched)
        self._observer = _Observer(calls)
        self._hooks = _Hooks(self._observer)
        self._hooked = Members()

    def seams(self, module: ModuleType) -> Sequence[tuple[type, str, Callable[[Method], Method]]]:
        """Return the methods that send."""
        return [
            (module.Client, "_send_single_request", self._sent),
            (module.AsyncClient, "_send_single_request", self._sent_async),
        ]

    def takes(self, client: object) -> bool:
        """Say whether a client has event hooks."""
        return isinstance(client, HttpClient)

    def watch(self, client: Any) -> None:
        """Put hooks into a client; once, however often it is called."""
        if client in self._hooked:
            return
        self._hooked.add(client)
        for name, hook in self._hooks_of(client):
            # First, since a hook of the client's own may call raise_for_status.
            client.event_hooks[name].insert(0, hook)

    def release(self) -> None:
        """Take the hooks out again."""
        for client in self._hooked.emptied():
            for name, hook in self._hooks_of(client):
                if hook in client.event_hooks[name]:
                    client.event_hooks[name].remove(hook)

    def _hooks_of(self, client: HttpClient) -> Sequence[tuple[str, Callable[..., object]]]:
        ours = self._hooks
        if hasattr(client, "aclose"):
            return [("request", ours.on_request_async), ("response", ours.on_response_async)]
        return [("request", ours.on_request), ("response", ours.on_response)]

    def _sending(self, client: Any, request: Any) -> Call | None:
        if not self.watched.everybody or client in self._hooked:
            return None
        return self._observer.sending(request)

    def _sent(self, original: Method) -> Method:
        def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            call = self._sending(client, request)
            response = original(client, request, *args, **kwargs)
            if call is None:
                return response
            try:
                self._observer.received(call, response)
            except Exception as error:  # noqa: BLE001 - the call continues, unobserved
                self.calls.fault(error)
            return response

        return send

    def _sent_async(self, original: Method) -> Method:
        async def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            call = self._sending(client, request)
            response = await original(client, request, *args, **kwargs)
            if call is None:
                return response
            try:
                await self._observer.received_async(call, response)
            except Exception as error:  # noqa: BLE001 - as above
                self.calls.fault(error)
            return response

        return send
