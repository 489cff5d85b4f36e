"""Ranges of bytes that are secret, and the marks that take their place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sentry_filters.redaction.findings import REDACTED, WITHHELD

_MARK, _WITHHELD_MARK = REDACTED.encode(), WITHHELD.encode()


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """The bytes from `start` to `end` are a secret of this kind, or the mark in its place."""

    start: int
    end: int
    kind: str


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


def replaced(data: bytes, secrets: Sequence[Range], marks: Iterable[Range]) -> tuple[bytes, list[Range]]:
    """`data` with a mark in the place of every secret, and where the marks are.

    `secrets` are in order and do not overlap. `marks` are those of an earlier pass; a secret that overlaps
    one swallows it.
    """
    pieces: list[bytes] = []
    placed: list[Range] = []
    at = length = 0
    kept = (mark for mark in marks if not _overlaps(mark, secrets))
    for each in sorted((*secrets, *kept)):  # a mark in the place of a mark changes nothing
        mark = _WITHHELD_MARK if each.kind == "withheld" else _MARK
        pieces += (data[at : each.start], mark)
        length += each.start - at + len(mark)
        placed.append(Range(length - len(mark), length, each.kind))
        at = each.end
    pieces.append(data[at:])
    return b"".join(pieces), placed


def _overlaps(mark: Range, secrets: Sequence[Range]) -> bool:
    before = bisect_left(secrets, mark.end, key=lambda secret: secret.start)
    return before > 0 and secrets[before - 1].end > mark.start
