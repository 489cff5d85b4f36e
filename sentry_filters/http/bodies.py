"""Learns a body while the application reads it, which it can do as if nobody else had looked.

A short body whose length is known is read ahead, as far as it arrives in time: the application may never read
it. Any other is noted as it passes by. What a read raises is raised where the application reads.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator, Iterator

from sentry_filters.evidence import LONGEST_BODY
from sentry_filters.http.calls import Learned

_MOST_SECONDS = 1.0  # for reading ahead; a single read may take as long as the client's own timeout lets it
_ANY_ZLIB = 47  # wbits: gzip or zlib, by their header


class Passing:
    """A body on its way: what has arrived, and what is still to come.

    Args:
        encoding: The `Content-Encoding`, None without one.
        learned: Takes the body, once, when it has arrived in full; not called for one that is too long.
    """

    def __init__(self, encoding: str | None, learned: Learned) -> None:
        self._encoding = encoding
        self._learned = learned
        self._size = 0
        self._until = time.monotonic() + _MOST_SECONDS
        self.arrived: list[bytes] = []
        self.ahead = True
        self.ended = False
        self.failed: Exception | None = None

    @property
    def reads_ahead(self) -> bool:
        """Whether to go on reading before the application does."""
        return not self.ended and self._size <= LONGEST_BODY and time.monotonic() < self._until

    def came(self, chunk: bytes) -> None:
        """Take note of a part; a body that is too long is not kept once the application reads it."""
        self._size += len(chunk)
        if self.ahead or self._size <= LONGEST_BODY:
            self.arrived.append(chunk)

    def end(self) -> None:
        """Take note that it has arrived in full."""
        self.ended = True
        if self._size > LONGEST_BODY:
            return
        body = undone(b"".join(self.arrived), self._encoding)
        if body is not None:
            self._learned(body)


def undone(body: bytes, encoding: str | None) -> bytes | None:
    """Return a body without its content encoding; None where that is unknown, broken or makes it too long."""
    if encoding is None or encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return None
    try:
        plain = zlib.decompressobj(_ANY_ZLIB).decompress(body, LONGEST_BODY + 1)
    except zlib.error:
        return None
    return plain if len(plain) <= LONGEST_BODY else None


def read_ahead(source: Iterator[bytes], passing: Passing) -> None:
    """Read a body as far as it is short and arrives in time; never raises what reading raises."""
    try:
        while passing.reads_ahead:
            chunk = next(source, None)
            if chunk is None:
                passing.end()
            else:
                passing.came(chunk)
    except Exception as error:  # noqa: BLE001 - it is the application's: it is raised when that reads
        passing.failed = error


async def read_ahead_async(source: AsyncIterator[bytes], passing: Passing) -> None:
    """Do as `read_ahead` does."""
    try:
        while passing.reads_ahead:
            chunk = await anext(source, None)
            if chunk is None:
                passing.end()
            else:
                passing.came(chunk)
    except Exception as error:  # noqa: BLE001 - as above
        passing.failed = error


def replayed(source: Iterator[bytes], passing: Passing) -> Iterator[bytes]:
    """Yield the whole body: what has arrived, and the rest as it comes."""
    yield from list(passing.arrived)
    if passing.failed is not None:
        raise passing.failed
    passing.ahead = False
    if not passing.ended:
        for chunk in source:
            passing.came(chunk)
            yield chunk
        passing.end()


async def replayed_async(source: AsyncIterator[bytes], passing: Passing) -> AsyncIterator[bytes]:
    """Do as `replayed` does."""
    for chunk in list(passing.arrived):
        yield chunk
    if passing.failed is not None:
        raise passing.failed
    passing.ahead = False
    if not passing.ended:
        async for chunk in source:
            passing.came(chunk)
            yield chunk
        passing.end()
