"""aiohttp: each request and response is reported to `Calls`, and nothing is changed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import urljoin

from sentry_filters.evidence import LONGEST_BODY, conventions, headers_of
from sentry_filters.http.bodies import Passing, read_ahead_async, replayed_async
from sentry_filters.http.calls import Answer, Call, Calls
from sentry_filters.http.seams import Library, Method, Watched


class _Sending(NamedTuple):
    """A request on its way: what it is to `Calls`, and whether its response's content encoding is undone."""

    call: Call
    is_decoded: bool


class Aiohttp(Library):
    """Sessions of aiohttp: `_request` sends, `ClientResponse.start` is where each response arrives.

    A `TraceConfig` has to be given to a session when it is made, and is not told of a response where
    `raise_for_status` is set.
    """

    modules = ("aiohttp",)
    accepts = "a ClientSession of aiohttp"

    def __init__(self, calls: Calls, watched: Watched) -> None:
        super().__init__(calls, watched)
        self._names = frozenset(calls.credential_headers)
        self._sending: ContextVar[_Sending | None] = ContextVar("sentry_filters_aiohttp", default=None)

    def seams(self, module: ModuleType) -> Sequence[tuple[type, str, Callable[[Method], Method]]]:
        """Return the method that sends, and the one that reads the head of a response."""
        return [
            (module.ClientSession, "_request", self._sent),
            (module.ClientResponse, "start", self._received),
        ]

    def takes(self, client: object) -> bool:
        """Say whether it is a session."""
        return isinstance(client, self.classes("ClientSession"))

    def _sent(self, original: Method) -> Method:
        async def request(session: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.watched.covers(session):
                return await original(session, *args, **kwargs)
            sending = self._began(session, args[1:2], kwargs)
            token = self._sending.set(sending)
            try:
                return await original(session, *args, **kwargs)
            finally:
                self._sending.reset(token)

        return request

    def _received(self, original: Method) -> Method:
        async def start(response: Any, *args: Any, **kwargs: Any) -> Any:
            started = await original(response, *args, **kwargs)
            sending = self._sending.get()
            if sending is not None:
                try:
                    if 200 <= response.status < 300:
                        self.calls.succeeded(sending.call, str(response.url))
                    elif response.status in conventions.SESSION_STATUSES:
                        await self._record(sending, response)
                except Exception as error:  # noqa: BLE001 - the call continues, unobserved
                    self.calls.fault(error)
            return started

        return start

    def _began(self, session: Any, urls: tuple[Any, ...], options: Mapping[str, Any]) -> _Sending | None:
        """Take note of a request; None where that failed, and the call continues, unobserved."""
        try:
            decoded = options.get("auto_decompress")
            is_decoded = session.auto_decompress if decoded is None else bool(decoded)
            url = str(urls[0] if urls else options.get("str_or_url"))
            call = self.calls.sending(
                tuple(self._credentials(session, options.get("headers"))),
                lambda: urljoin(str(getattr(session, "_base_url", None) or ""), url),
            )
        except Exception as error:  # noqa: BLE001 - see above
            self.calls.fault(error)
            return None
        return None if call is None else _Sending(call, is_decoded)

    def _credentials(self, session: Any, given: Any) -> Iterator[tuple[str, str]]:
        """Yield the headers that may hold a credential: those of the call, then the session's."""
        pairs = given.items() if isinstance(given, Mapping) else given or ()
        for name, value in pairs:
            if (lower := str(name).lower()) in self._names:
                yield lower, str(value)
        if session.headers:
            for name in self._names:
                value = session.headers.get(name)  # in whatever case
                if value is not None:
                    yield name, str(value)

    async def _record(self, sending: _Sending, response: Any) -> None:
        answer = Answer(
            status=response.status,
            url=str(response.url),
            method=response.method,
            sent=headers_of(response.request_info),
            headers=headers_of(response),
        )
        learned = self.calls.answered(sending.call, response, answer)
        if learned is None:
            return
        encoding = None if sending.is_decoded else response.headers.get("content-encoding")
        await _learn(response, Passing(encoding, learned))


async def _learn(response: Any, passing: Passing) -> None:
    """Learn the body of a response that nobody has read yet; it is read as before."""
    length, content = response.content_length, response.content
    if length is not None and length > LONGEST_BODY:
        return
    source = _arriving(content)
    limit = content.get_read_buffer_limits()[0]
    reader = _reader(replayed_async(source, passing), limit)  # all that may fail, before anything is read
    if length is not None:
        await read_ahead_async(source, passing)
    if passing.ended:
        for chunk in passing.arrived:
            reader.feed_data(chunk)
        reader.feed_eof()
    response.content = reader


async def _arriving(content: Any) -> AsyncIterator[bytes]:
    while chunk := await content.readany():
        yield chunk


class _NoProtocol:
    """What a reader tells of its buffer. What has arrived is bounded: nothing has to be held back."""

    connected = True
    _reading_paused = False

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self, **_: object) -> None:
        """Do nothing."""


def _reader(chunks: AsyncIterator[bytes], limit: int) -> Any:
    """Return a `StreamReader` that gets its data from `chunks`, when it is read."""

    class LearnedReader(sys.modules["aiohttp"].StreamReader):  # type: ignore[misc]
        async def _wait(self, *_: object) -> None:
            chunk = await anext(chunks, None)
            if chunk is None:
                self.feed_eof()
            else:
                self.feed_data(chunk)

    return LearnedReader(_NoProtocol(), limit, loop=asyncio.get_running_loop())
