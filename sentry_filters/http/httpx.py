"""httpx and httpx2: event hooks that report each request and response to `Calls`, and change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from typing import Any, Protocol, TypeVar, runtime_checkable

from sentry_filters.evidence import LONGEST_BODY, conventions, headers_of, text_if_read
from sentry_filters.http.bodies import Passing, read_ahead, read_ahead_async, replayed, replayed_async
from sentry_filters.http.calls import Answer, Calls


@runtime_checkable
class HttpClient(Protocol):
    """What `instrument` needs of a client: httpx's and httpx2's `Client` and `AsyncClient` have it."""

    @property
    def event_hooks(self) -> MutableMapping[str, list[Callable[..., object]]]:
        """The client's hooks by name: `request` and `response`."""


Client = TypeVar("Client", bound=HttpClient)


class _Headers(Protocol):
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


class _Hooks:
    """One client's hooks.

    Args:
        calls: Told of requests and responses.
    """

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def on_request(self, request: _Request) -> None:
        names = self.calls.credential_headers
        self.calls.began(request, [(name, value) for name in names if (value := request.headers.get(name))])

    def on_response(self, response: _Response) -> None:
        passing, kind = self._learning(response, "SyncByteStream")
        if passing is not None and kind is not None:
            source = iter(response.stream)
            if _is_short(response):
                read_ahead(source, passing)
            chunks = replayed(source, passing)
            response.stream = type("LearnedStream", (_Stream, kind), {})(response.stream, chunks)

    async def on_request_async(self, request: _Request) -> None:
        self.on_request(request)

    async def on_response_async(self, response: _Response) -> None:
        passing, kind = self._learning(response, "AsyncByteStream")
        if passing is not None and kind is not None:
            source = aiter(response.stream)
            if _is_short(response):
                await read_ahead_async(source, passing)
            chunks = replayed_async(source, passing)
            response.stream = type("LearnedAsyncStream", (_AsyncStream, kind), {})(response.stream, chunks)

    def _learning(self, response: _Response, kind: str) -> tuple[Passing | None, type | None]:
        """Take note of a response; return where its body is learned, and its library's class of streams.

        Both are None where the body is known already, or of no interest.
        """
        request = response.request
        if 200 <= response.status_code < 300:
            self.calls.succeeded(request, str(request.url))
        if response.status_code not in conventions.SESSION_STATUSES:
            return None, None
        answer = Answer(
            status=response.status_code,
            url=str(request.url),
            method=request.method,
            sent=headers_of(request),
            headers=headers_of(response),
        )
        learned = self.calls.answered(request, response, answer)
        if learned is None:
            return None, None
        text = text_if_read(response)
        if text is not None:
            learned(text.encode("utf-8", "surrogatepass"))
            return None, None
        passing = Passing(response.headers.get("content-encoding"), learned)
        return passing, next((one for one in type(response.stream).__mro__ if one.__name__ == kind), None)


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


def instrument(client: Client, calls: Calls) -> Client:
    """Report what `client` sends and receives to `calls`; once, however often it is called.

    Returns:
        The same client.

    Raises:
        TypeError: `client` has no `event_hooks`.
    """
    if not isinstance(client, HttpClient):
        raise TypeError(
            f"instrument: invalid client {type(client).__name__}; "
            "expected a Client or AsyncClient of httpx or httpx2"
        )
    hooks = client.event_hooks
    owners = (getattr(hook, "__self__", None) for hook in hooks["request"])
    if any(isinstance(owner, _Hooks) and owner.calls is calls for owner in owners):
        return client
    ours = _Hooks(calls)
    is_async = hasattr(client, "aclose")
    # First, since a hook of the client's own may call raise_for_status.
    hooks["request"].insert(0, ours.on_request_async if is_async else ours.on_request)
    hooks["response"].insert(0, ours.on_response_async if is_async else ours.on_response)
    return client
