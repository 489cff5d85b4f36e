"""`http.client`: what urllib.request, urllib3, requests and botocore send is seen here, where it leaves.

No client above has to be wrapped, and none counts a call twice: each attempt and redirect is one request.
"""

from __future__ import annotations

import io
import weakref
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection, HTTPResponse
from types import ModuleType
from typing import Any, NamedTuple

from sentry_filters.evidence import LONGEST_BODY, conventions
from sentry_filters.http.bodies import Passing, read_ahead, replayed, undone
from sentry_filters.http.calls import Answer, Call, Calls, Learned
from sentry_filters.http.seams import Library, Method, Watched

_MOST_AT_ONCE = 8_192
_ABSOLUTE = ("http://", "https://")


class _Sent(NamedTuple):
    """A request that a connection has sent: what is known of it before its response.

    Args:
        call: What it is to `Calls`.
        line: Its first line: method, target, version.
        headers: Those that may hold a credential.
    """

    call: Call
    line: bytes
    headers: tuple[tuple[str, str], ...]


class HttpClient(Library):
    """Connections of `http.client`, the subclasses of urllib3 and botocore included."""

    modules = ("http.client", "botocore.awsrequest")
    accepts = "an HTTPConnection of http.client"

    def __init__(self, calls: Calls, watched: Watched) -> None:
        super().__init__(calls, watched)
        self._beginnings = tuple(f"{name}:".encode("latin-1") for name in calls.credential_headers)
        self._sent: weakref.WeakKeyDictionary[HTTPConnection, _Sent] = weakref.WeakKeyDictionary()

    def seams(self, module: ModuleType) -> Sequence[tuple[type, str, Callable[[Method], Method]]]:
        """Return the methods that every request goes through."""
        if module.__name__ == "http.client":
            return [
                (module.HTTPConnection, "endheaders", self._sending),
                (module.HTTPConnection, "getresponse", self._received),
            ]
        # Sentry gives botocore's connections methods of their own, which lead past http.client's.
        owners = (module.AWSHTTPConnection, module.AWSHTTPSConnection)
        return [(owner, "endheaders", self._sending) for owner in owners if "endheaders" in vars(owner)]

    def takes(self, client: object) -> bool:
        """Say whether it is a connection."""
        return isinstance(client, HTTPConnection)

    def _sending(self, original: Method) -> Method:
        def endheaders(connection: Any, *args: Any, **kwargs: Any) -> Any:
            if self.watched.covers(connection):
                self._note(connection)
            elif self._sent:
                self._sent.pop(connection, None)
            return original(connection, *args, **kwargs)

        return endheaders

    def _note(self, connection: Any) -> None:
        """Take note of a request, which lies complete in its connection's buffer."""
        try:
            line, *headers = connection._buffer
            found = [one for one in headers if one.lower().startswith(self._beginnings)]
            credentials = tuple(map(_pair, found))
            call = self.calls.sending(credentials, lambda: _url_of(connection, _method_and_target(line)[1]))
            if call is not None:
                self._sent[connection] = _Sent(call, line, credentials)
        except Exception as error:  # noqa: BLE001 - the call continues, unobserved
            self.calls.fault(error)

    def _received(self, original: Method) -> Method:
        def getresponse(connection: Any, *args: Any, **kwargs: Any) -> Any:
            sent = self._sent.pop(connection, None) if self._sent else None
            response = original(connection, *args, **kwargs)
            if sent is not None:
                try:
                    self._record(connection, sent, response)
                except Exception as error:  # noqa: BLE001 - as above
                    self.calls.fault(error)
            return response

        return getresponse

    def _record(self, connection: HTTPConnection, sent: _Sent, response: HTTPResponse) -> None:
        status = response.status
        is_success = 200 <= status < 300
        if not is_success and status not in conventions.SESSION_STATUSES:
            return
        method, target = _method_and_target(sent.line)
        url = _url_of(connection, target)
        if is_success:
            self.calls.succeeded(sent.call, url)
            return
        answer = Answer(
            status=status,
            url=url,
            method=method,
            sent=sent.headers,
            headers=[(name.lower(), value) for name, value in response.getheaders()],
        )
        learned = self.calls.answered(sent.call, response, answer)
        if learned is not None:
            _learn(response, learned)


def _method_and_target(line: bytes) -> tuple[str, str]:
    method, target, *_ = line.decode("latin-1").split(" ", 2)
    return method, target


def _pair(header: bytes) -> tuple[str, str]:
    name, _, value = header.decode("latin-1").partition(":")
    return name.lower(), value.strip()


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
