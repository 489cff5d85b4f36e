"""Pieces of a text that have to go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .marks import REDACTED

__all__ = ["Span", "merged", "replaced"]

_MARK = REDACTED.encode()


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The bytes from `start` to `end` are a secret of this kind."""

    start: int
    end: int
    kind: str


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same pieces in order, those that overlap made one; the first names the kind."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start < result[-1].end:
            last = result[-1]
            result[-1] = Span(last.start, max(last.end, span.end), last.kind)
        else:
            result.append(span)
    return result


def replaced(data: bytes, spans: list[Span]) -> bytes:
    """`data` with the mark in the place of every span; one pass, whatever the number of spans."""
    pieces: list[bytes] = []
    at = 0
    for span in spans:
        pieces += (data[at : span.start], _MARK)
        at = span.end
    pieces.append(data[at:])
    return b"".join(pieces)
