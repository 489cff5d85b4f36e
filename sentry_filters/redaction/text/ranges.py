"""Ranges of bytes that are secret, and the marks that take their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sentry_filters.redaction.findings import REDACTED

_MARK = REDACTED.encode()


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """The bytes from `start` to `end` are a secret of this kind, or the mark in its place."""

    start: int
    end: int
    kind: str

    def moved(self, by: int) -> Range:
        """The same range, `by` bytes further on."""
        return Range(self.start + by, self.end + by, self.kind)


def merged(ranges: Iterable[Range]) -> list[Range]:
    """`ranges` in order, those that overlap made one; the first names the kind."""
    result: list[Range] = []
    for each in sorted(ranges):
        if result and each.start < result[-1].end:
            last = result[-1]
            result[-1] = Range(last.start, max(last.end, each.end), last.kind)
        else:
            result.append(each)
    return result


def replaced(data: bytes, secrets: Sequence[Range], marks: Sequence[Range] = ()) -> tuple[bytes, list[Range]]:
    """`data` with a mark in the place of every secret, and where the marks are.

    `marks` are those of an earlier pass; they are moved along, or swallowed by a secret that covers them.
    """
    pieces: list[bytes] = []
    placed: list[Range] = []
    earlier = list(reversed(marks))
    at = length = 0
    for secret in secrets:
        placed += (mark.moved(length - at) for mark in _taken_before(secret, earlier))
        pieces += (data[at : secret.start], _MARK)
        length += secret.start - at
        placed.append(Range(length, length + len(_MARK), secret.kind))
        length += len(_MARK)
        at = secret.end
    pieces.append(data[at:])
    placed += (mark.moved(length - at) for mark in reversed(earlier))
    return b"".join(pieces), placed


def _taken_before(secret: Range, earlier: list[Range]) -> list[Range]:
    """The marks before `secret`, taken from the end of `earlier` with those that it covers."""
    before = []
    while earlier and earlier[-1].start < secret.end:
        mark = earlier.pop()
        if mark.end <= secret.start:
            before.append(mark)
    return before
