"""Where a text was cut: by a repr, by an SDK's longest value, by a limit on attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from sentry_filters.redaction.regex import compile_finder

SHORTEST_CUT = 16  # bytes of a beginning that are no coincidence where a text was cut
_MARKS = (b"...", "\N{HORIZONTAL ELLIPSIS}".encode(), b"\\u2026")  # in the place of what was cut off
_BACKSLASH = ord("\\")
_JOINT = b"\0\0"  # between texts that are searched at once
_ENDS = (*_MARKS, b"u2026", b'"', b"'", b"`", b"\0")
_ESCAPED = 16
_LONGEST = 1_024  # bytes before a mark in which a beginning may begin
_PHRASE = 128  # as many, where it may have blanks
_MOST_JOINED = 64  # texts whose ends are looked at, where several were joined
_SHORT = 1_024
_MOST_LOOKS = 50_000  # in one text


class Beginnings(Protocol):
    """What may have been cut."""

    characters: bytes

    def begins_at(self, data: bytes, start: int) -> bool:
        """Whether a text may begin at data[start]."""

    def common(self, text: bytes) -> int:
        """How many bytes of `text` are the beginning of one."""


class Cuts:
    """Finds beginnings of texts that stand where a text was cut."""

    def __init__(self, of: Beginnings) -> None:
        self._of = of
        self._finders = {
            mark: compile_finder(re.escape(mark.decode("latin-1"))) for mark in (*_MARKS, _JOINT)
        }

    def places(self, data: bytes) -> Iterator[tuple[int, int, str]]:
        """Where a beginning stands before a mark; all that follows, if there is too much to look at."""
        looks = 0
        for before, mark in self._cuts(data):
            end = mark
            while end > before and data[end - 1] == _BACKSLASH:
                end -= 1
            start = self._run(data, before, end)
            looks += 1 + max(0, end - start - SHORTEST_CUT)
            if looks > _MOST_LOOKS and mark < len(data):
                yield start, len(data), "withheld"
                return
            for at in range(start, end - SHORTEST_CUT + 1):
                if self._of.begins_at(data, at) and at + self._of.common(data[at:end]) == end:
                    yield at, end, "registered"
                    break

    def _cuts(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where what is before a cut begins, at least, and ends."""
        for mark in _MARKS:
            before = 0
            at = self._find(mark, data, 0)
            while at >= 0:
                yield before, at
                before = at + len(mark)
                while data[before : before + 1] == b".":
                    before += 1
                at = self._find(mark, data, before)
        if self._find(_JOINT, data, 0) >= 0 and data.count(_JOINT) <= _MOST_JOINED:
            for text in data.split(_JOINT)[:-1]:
                before = at + 1
                at = before + len(text)
                yield before, at
                at += 1
        yield 0, len(data)

    def _find(self, mark: bytes, data: bytes, start: int) -> int:
        # RE2 looks for a literal some ten times faster than `bytes.find` does, once it is called.
        return data.find(mark, start) if len(data) < _SHORT else self._finders[mark](data, start)[0]

    def _run(self, data: bytes, before: int, end: int) -> int:
        """Where what has to be looked at before `end` begins: characters that occur in what may be cut."""
        characters = self._of.characters
        tail = data[max(before, end - (_PHRASE if b" " in characters else _LONGEST)) : end]
        return end - len(tail) + len(tail.rstrip(characters))


def is_cut(data: bytes, end: int) -> bool:
    """Whether something that ends at `end` was cut there, or the text ends."""
    rest = data[end : end + _ESCAPED].lstrip(b"\\")  # a mark in JSON in JSON
    return end == len(data) or rest.startswith(_ENDS)
