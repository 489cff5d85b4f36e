"""`http.client`: what urllib.request, urllib3, requests and botocore send is seen here, where it leaves.

No client above has to be wrapped, and none counts a call twice: each attempt and redirect is one request.
"""

from __future__ import annotations

import io
import weakref
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection, HTTPResponse
from types import ModuleType
from typing import Any

from sentry_filters.evidence import LONGEST_BODY, conventions
from sentry_filters.http.bodies import Passing, read_ahead, replayed, undone
from sentry_filters.http.calls import Answer, Calls, Learned
from sentry_filters.http.seams import Library, Method, Watched

_MOST_AT_ONCE = 8_192
_ABSOLUTE = ("http://", "https://")


class _Sending:
    """A request that a connection is sending: what is known of it before its response.

    Args:
        method: HTTP method.
        target: Path and query; a whole URL where a proxy gets it.
    """

    __slots__ = ("__weakref__", "headers", "method", "target")

    def __init__(self, method: str, target: str) -> None:
        self.method = method
        self.target = target
        self.headers: list[tuple[str, str]] = []


class HttpClient(Library):
    """Connections of `http.client`, the subclasses of urllib3 and botocore included."""

    modules = ("http.client", "botocore.awsrequest")
    accepts = "an HTTPConnection of http.client"

    def __init__(self, calls: Calls, watched: Watched) -> None:
        super().__init__(calls, watched)
        self._names = frozenset(calls.credential_headers)
        self._sending: weakref.WeakKeyDictionary[HTTPConnection, _Sending] = weakref.WeakKeyDictionary()

    def seams(self, module: ModuleType) -> Sequence[tuple[type, str, Callable[[Method], Method]]]:
        """Return the methods that every request goes through."""
        around = {
            "putrequest": self._begun,
            "putheader": self._given,
            "endheaders": self._sent,
            "getresponse": self._received,
        }
        if module.__name__ == "http.client":
            return [(module.HTTPConnection, name, method) for name, method in around.items()]
        # Sentry gives botocore's connections methods of their own, which lead past http.client's.
        owners = (module.AWSHTTPConnection, module.AWSHTTPSConnection)
        return [
            (owner, name, method)
            for owner in owners
            for name, method in around.items()
            if name != "getresponse" and name in vars(owner)
        ]

    def takes(self, client: object) -> bool:
        """Say whether it is a connection."""
        return isinstance(client, HTTPConnection)

    def _begun(self, original: Method) -> Method:
        def putrequest(connection: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            try:
                if self.watched.covers(connection):
                    self._sending[connection] = _Sending(method, url)
                elif self._sending:
                    self._sending.pop(connection, None)
            except Exception as error:  # noqa: BLE001 - the call continues, unobserved
                self.calls.fault(error)
            return original(connection, method, url, *args, **kwargs)

        return putrequest

    def _given(self, original: Method) -> Method:
        def putheader(connection: Any, header: Any, *values: Any) -> Any:
            try:
                name = _text(header).lower()
                if name in self._names and values:
                    sending = self._sending.get(connection)
                    if sending is not None:
                        sending.headers.append((name, _text(values[0])))
            except Exception as error:  # noqa: BLE001 - as above
                self.calls.fault(error)
            return original(connection, header, *values)

        return putheader

    def _sent(self, original: Method) -> Method:
        def endheaders(connection: Any, *args: Any, **kwargs: Any) -> Any:
            sending = self._sending.get(connection)
            if sending is not None:
                self.calls.began(sending, sending.headers, lambda: _url_of(connection, sending.target))
            return original(connection, *args, **kwargs)

        return endheaders

    def _received(self, original: Method) -> Method:
        def getresponse(connection: Any, *args: Any, **kwargs: Any) -> Any:
            sending = self._sending.pop(connection, None) if self._sending else None
            response = original(connection, *args, **kwargs)
            if sending is not None:
                try:
                    self._record(connection, sending, response)
                except Exception as error:  # noqa: BLE001 - as above
                    self.calls.fault(error)
            return response

        return getresponse

    def _record(self, connection: HTTPConnection, sending: _Sending, response: HTTPResponse) -> None:
        status = response.status
        if 200 <= status < 300:
            self.calls.succeeded(sending, _url_of(connection, sending.target))
        if status not in conventions.SESSION_STATUSES:
            return
        answer = Answer(
            status=status,
            url=_url_of(connection, sending.target),
            method=sending.method,
            sent=sending.headers,
            headers=[(name.lower(), value) for name, value in response.getheaders()],
        )
        learned = self.calls.answered(sending, response, answer)
        if learned is not None:
            _learn(response, learned)


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _url_of(connection: HTTPConnection, target: str) -> str:
    if target[:8].lower().startswith(_ABSOLUTE):
        return target
    tunnelled = getattr(connection, "_tunnel_host", None)
    host = tunnelled or connection.host
    port = getattr(connection, "_tunnel_port", None) if tunnelled else connection.port
    scheme = "https" if connection.default_port == 443 else "http"
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{scheme}://{bracketed}{f':{port}' if port else ''}{target}"


def _learn(response: Any, learned: Learned) -> None:
    """Learn the body of a response that nobody has read yet; it is read as before."""
    if response.fp is None:
        learned(b"")  # it has none, as after HEAD
        return
    if response.length is not None and response.length > LONGEST_BODY:
        return
    encoding, source = response.getheader("content-encoding"), response.fp
    if response.chunked:
        passing = Passing(None, lambda framed: _learn_chunks(framed, encoding, learned))
    else:
        passing = Passing(encoding, learned)
    body = _Noted(source, passing, response.length, is_framed=response.chunked)
    if response.length is not None:
        read_ahead(body.arriving, passing)
    response.fp = io.BufferedReader(body)


def _learn_chunks(framed: bytes, encoding: str | None, learned: Learned) -> None:
    whole = unframed(framed)
    body = None if whole is None else undone(whole, encoding)
    if body is not None:
        learned(body)


def unframed(framed: bytes) -> bytes | None:
    """Return what is in the chunks of a chunked body, None where the last one has not arrived."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = framed.find(b"\r\n", at)
        size = framed[at:end].partition(b";")[0].strip() if end >= 0 else b""
        if not size or not all(digit in b"0123456789abcdefABCDEF" for digit in size):
            return None
        at, length = end + 2, int(size, 16)
        if length == 0:
            return b"".join(parts)
        if at + length > len(framed):
            return None
        parts.append(framed[at : at + length])
        at += length + 2


class _Noted(io.RawIOBase):
    """The file of a response, which is noted while it is read.

    Args:
        source: The connection's own.
        passing: Takes note of it.
        length: How many bytes belong to the body, None where that is told in another way.
        is_framed: Whether the body itself tells where it ends.
    """

    def __init__(self, source: Any, passing: Passing, length: int | None, *, is_framed: bool) -> None:
        super().__init__()
        self._source = source
        self._passing = passing
        self._left = length
        self._is_framed = is_framed
        self.arriving = self._arriving()
        self._replayed: Iterator[bytes] = replayed(self.arriving, passing)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        number: int = self._source.fileno()
        return number

    def readinto(self, buffer: Any) -> int:
        chunk = self._rest or next(self._replayed, b"")
        size = min(len(buffer), len(chunk))
        buffer[:size], self._rest = chunk[:size], chunk[size:]
        return size

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        self._source.close()
        # The library closes it after the last chunk, or the last byte, without reading on to the end.
        if not self._passing.ended and (self._is_framed or self._left == 0) and not self._passing.failed:
            self._passing.end()

    def _arriving(self) -> Iterator[bytes]:
        """Yield what arrives, up to the end of a body of known length: behind it, a read would wait."""
        while self._left is None or self._left > 0:
            wanted = _MOST_AT_ONCE if self._left is None else min(self._left, _MOST_AT_ONCE)
            chunk: bytes = self._source.read1(wanted)
            if not chunk:
                return
            if self._left is not None:
                self._left -= len(chunk)
            yield chunk
