"""Pieces of a text that have to go, and the marks that stand there afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sentry_filters.redaction.findings import REDACTED

_MARK = REDACTED.encode()


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The bytes from `start` to `end` are a secret of this kind, or the mark in its place."""

    start: int
    end: int
    kind: str


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same pieces in order, whole characters, those that overlap made one; the first names the kind."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start < result[-1].end:
            last = result[-1]
            result[-1] = Span(last.start, max(last.end, span.end), last.kind)
        else:
            result.append(span)
    return result


def replaced(data: bytes, spans: Sequence[Span], marks: Sequence[Span] = ()) -> tuple[bytes, list[Span]]:
    """`data` with a mark in the place of every span, and where the marks are.

    `marks` are those of an earlier pass; they are moved along, or swallowed by a span that covers them.
    """
    pieces: list[bytes] = []
    placed: list[Span] = []
    earlier = list(reversed(marks))
    at = length = 0
    for span in spans:
        placed += _moved(earlier, span, length - at)
        pieces += (data[at : span.start], _MARK)
        length += span.start - at
        placed.append(Span(length, length + len(_MARK), span.kind))
        length += len(_MARK)
        at = span.end
    pieces.append(data[at:])
    placed += (
        Span(mark.start + length - at, mark.end + length - at, mark.kind) for mark in reversed(earlier)
    )
    return b"".join(pieces), placed


def _moved(earlier: list[Span], span: Span, shift: int) -> list[Span]:
    """The earlier marks before `span`, moved; those within it are forgotten."""
    before = []
    while earlier and earlier[-1].start < span.end:
        mark = earlier.pop()
        if mark.end <= span.start:
            before.append(Span(mark.start + shift, mark.end + shift, mark.kind))
    return before
