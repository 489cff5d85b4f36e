"""Reading files of Sentry's envelopes, or of events as JSON lines, item by item and in constant memory."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

Shape = Literal["event", "transaction", "spans", "log", "metric"]
Payload = dict[str, object]
Broken = Callable[[str, str], None]
"""Takes a place, and what is wrong there."""

_LONGEST = 64 * 1024 * 1024  # bytes of a line or an item; Sentry itself takes less
_BLOCK = 1024 * 1024
_GZIP = b"\x1f\x8b"
# Items of these types hold one report, or several as `{"items": […]}`.
_SINGLE: Mapping[str, Shape] = MappingProxyType({"event": "event", "transaction": "transaction"})
_LISTS: Mapping[str, Shape] = MappingProxyType({"log": "log", "trace_metric": "metric", "span": "spans"})
_OF_EVENTS = frozenset(
    ("attributes", "body", "breadcrumbs", "contexts", "exception", "extra", "level", "logentry", "message",
     "spans", "tags", "timestamp")
)  # fmt: skip
_OF_ENVELOPES = frozenset(("dsn", "event_id", "sdk", "sent_at", "trace"))


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a file holds.

    Args:
        place: File and line.
        shape: What `payload` is; `spans` are streamed ones, under `items`.
        payload: As Sentry would get it.
    """

    place: str
    shape: Shape
    payload: Payload


class ItemReader:
    """Reads one file; a line, an item or an envelope that is broken is named and passed over.

    Args:
        path: An envelope, several one after the other, or a JSON object in each line; may be gzipped.
        broken: Called with what cannot be read.
        skipped: Called with the type of each item that holds nothing to judge.
        content: What is in the file, None to read it; then `path` only names it.
    """

    def __init__(
        self, path: Path, broken: Broken, skipped: Callable[[str], None], content: bytes | None = None
    ) -> None:
        self._path = path
        self._given = content
        self._raw: io.BufferedReader | None = None
        self._broken = broken
        self._skipped = skipped
        self._line = 0
        self.found = False
        """Whether anything in it was an event or part of an envelope, so far."""

    def items(self) -> Iterator[Item]:
        """Yield what can be judged, in the file's order.

        Raises:
            OSError: The file cannot be opened.
        """
        with self._opened() as raw, _unpacked(raw) as file:
            self._raw = raw
            try:
                while line := file.readline(_LONGEST):
                    self._line += 1
                    place = f"{self._path}:{self._line}"
                    if not line.endswith(b"\n") and len(line) == _LONGEST:
                        _pass_over_line(file)
                        self._broken(place, f"a line longer than {_LONGEST} bytes")
                    elif line.strip():
                        yield from self._of_line(line, place, file)
            except (
                OSError,
                EOFError,
                zlib.error,
            ) as error:  # the compressed data ends early, or the disk fails
                self._broken(
                    f"{self._path}:{self._line}", f"the file cannot be read on: {type(error).__name__}"
                )

    @property
    def read(self) -> int:
        """How many of the file's bytes are read so far."""
        return 0 if self._raw is None or self._raw.closed else self._raw.tell()

    def _opened(self) -> io.BufferedReader:
        if self._given is None:
            return self._path.open("rb")
        return io.BufferedReader(cast("io.RawIOBase", io.BytesIO(self._given)))

    def _of_line(self, line: bytes, place: str, file: io.BufferedReader) -> Iterator[Item]:
        found = self._json(line, place)
        if found is None:
            return
        is_event = not _OF_EVENTS.isdisjoint(found)
        is_item = isinstance(found.get("type"), str)
        self.found = self.found or is_event or is_item or _OF_ENVELOPES.issuperset(found)
        if is_event:
            yield Item(place, _shape_of_event(found), found)
        elif is_item:
            yield from self._of_envelope(found, file)
        elif not _OF_ENVELOPES.issuperset(found):
            self._broken(place, "neither an event nor part of an envelope")

    def _of_envelope(self, header: Payload, file: io.BufferedReader) -> Iterator[Item]:
        kind, length = str(header["type"]), header.get("length")
        place = f"{self._path}:{self._line + 1}"
        is_known = kind in _SINGLE or kind in _LISTS
        content = self._content(file, length, place, wanted=is_known)
        if not is_known:
            self._skipped(kind)
            return
        payload = None if content is None else self._json(content, place)
        if payload is not None:
            yield from _of_payload(kind, payload, place)

    def _content(self, file: io.BufferedReader, length: object, place: str, *, wanted: bool) -> bytes | None:
        """Return an item's bytes, None where they are not wanted or cannot be had; reads up to its end."""
        if not isinstance(length, int) or isinstance(length, bool) or length < 0:
            self._line += 1
            return file.readline(_LONGEST)
        if wanted and length > _LONGEST:
            self._broken(place, f"an item longer than {_LONGEST} bytes")
            wanted = False
        content = None
        if wanted:
            content = self._read(file, length, place)
        else:
            self._pass_over(file, length)
        if file.peek(1)[:1] == b"\n":  # an item ends with a line feed, the last one may go without
            self._line += len(file.read(1))
        return content

    def _read(self, file: io.BufferedReader, length: int, place: str) -> bytes | None:
        content = file.read(length)
        self._line += content.count(b"\n")
        if len(content) == length:
            return content
        self._broken(place, f"an item of {len(content)} bytes; expected {length}")
        return None

    def _pass_over(self, file: io.BufferedReader, length: int) -> None:
        while length > 0 and (block := file.read(min(length, _BLOCK))):
            length -= len(block)
            self._line += block.count(b"\n")

    def _json(self, text: bytes, place: str) -> Payload | None:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            self._broken(place, "not JSON; expected an event, or an envelope's header or item")
            return None
        if not isinstance(found, dict):
            self._broken(place, f"a JSON {type(found).__name__}; expected an object")
            return None
        return found


def _of_payload(kind: str, payload: Payload, place: str) -> Iterator[Item]:
    """Yield what an envelope's item of this type holds."""
    if kind in _SINGLE:
        yield Item(place, _SINGLE[kind], payload)
    elif kind == "span":
        yield Item(place, "spans", payload if "items" in payload else {"items": [payload]})
    else:
        items = payload.get("items", [payload])
        for one in items if isinstance(items, list) else ():
            if isinstance(one, dict):
                yield Item(place, _LISTS[kind], one)


def _unpacked(file: io.BufferedReader) -> io.BufferedReader:
    compressed = file.peek(len(_GZIP))[: len(_GZIP)] == _GZIP
    return io.BufferedReader(cast("io.RawIOBase", gzip.open(file))) if compressed else file


def _pass_over_line(file: io.BufferedReader) -> None:
    while (more := file.readline(_BLOCK)) and not more.endswith(b"\n"):
        pass


def _shape_of_event(payload: Payload) -> Shape:
    """Say what a JSON line is: an event where nothing says that it is a transaction or a log."""
    if payload.get("type") == "transaction" or ("spans" in payload and "exception" not in payload):
        return "transaction"
    return "log" if "body" in payload and "exception" not in payload else "event"
