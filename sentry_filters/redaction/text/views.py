"""What bytes say when they are read: without a terminal's colours, with HTML's entities resolved, in UTF-16.

Secrets are looked for in what is read, and removed from what was written.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate

from sentry_filters.redaction.findings import WITHHELD
from sentry_filters.redaction.regex import deferred_regex
from sentry_filters.redaction.text.ranges import Range

# As it is, and as Python's repr, JSON (also in JSON) and shells write it.
_ESCAPE = r"(?:\x1b|\x9b|\\+(?:u001[bB]|x1[bB]|033|e))"
_TERMINAL = rf"{_ESCAPE}\[[0-9;:?]{{0,24}}[A-Za-z]"
_ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|equals|colon|apos|lowbar|num|amp|nbsp);"
READ_OTHERWISE = rf"(?:{_TERMINAL}|{_ENTITY})"
"""Where what is read differs from what is written."""

_OTHERWISE = deferred_regex(READ_OTHERWISE, captures=False)
_SPLITTING = re.compile(f"({READ_OTHERWISE})".encode("latin-1"))
_MOST_MARKS = 50_000
_USUAL_ENDS = (b"m", b"K", b"J", b"H", b"h", b"l", b"A", b"B", b"C", b"D", b"G")  # colours, erasing, moving

# Characters with zero bytes between them: the first 255 in UTF-32 and UTF-16, of either order.
_WIDE = deferred_regex(
    r"(?:[\x01-\xff]\x00{3}){8,}|(?:\x00{3}[\x01-\xff]){8,}|(?:[\x01-\xff]\x00){8,}|(?:\x00[\x01-\xff]){8,}",
    captures=False,
)


def is_read_otherwise(data: bytes) -> bool:
    """Whether `data` says something else when it is read than as it is written."""
    return _OTHERWISE.search(data) is not None


def read_ranges(data: bytes, secrets: Callable[[bytes], list[Range]]) -> list[Range] | None:
    """The places in `data` of what is secret in it as it is read; None where it is read as it is written."""
    if not is_read_otherwise(data):
        return None
    # Plain text and marks, in turn. Each alternative has a bound: nothing to go back and forth in.
    pieces = _SPLITTING.split(data, _MOST_MARKS)
    rest = len(data) - (len(pieces.pop()) if len(pieces) > 2 * _MOST_MARKS else 0)
    meanings = {mark: _meaning(mark) for mark in set(pieces[1::2])}
    texts, blanks = pieces[:], pieces[:]
    texts[1::2] = [meanings[mark] for mark in pieces[1::2]]
    blanks[1::2] = [meanings[mark].ljust(len(mark)) for mark in pieces[1::2]]
    # A colour may be a boundary, or be in the middle of a word.
    found = secrets(b"".join(blanks))
    if any(map(_may_be_cut, pieces[1::2])):  # then its last letter is the first of what follows
        found += secrets(data)
    if in_words := secrets(b"".join(texts)):
        written, read = _starts(pieces), _starts(texts)
        found += (
            Range(_written(written, read, each.start), _written(written, read, each.end - 1) + 1, each.kind)
            for each in in_words
        )
    if rest < len(data) and data[rest:] != WITHHELD.encode():
        found.append(Range(rest, len(data), "withheld"))
    return found


def _may_be_cut(mark: bytes) -> bool:
    """Whether a terminal's mark ends in a letter that few of them end in."""
    return mark[:1] != b"&" and mark[-1:] not in _USUAL_ENDS


def _meaning(mark: bytes) -> bytes:
    return html.unescape(mark.decode("latin-1")).encode() if mark[:1] == b"&" else b""


def _starts(pieces: list[bytes]) -> list[int]:
    return [0, *accumulate(map(len, pieces))]


def _written(written: list[int], read: list[int], place: int) -> int:
    piece = bisect_right(read, place) - 1
    return written[piece] + place - read[piece]


def wide_runs(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Where text in UTF-16 or UTF-32 begins and ends in `data`, and its encoding."""
    if b"\0" not in data:
        return
    for match in _WIDE.finditer(data):
        start, end = match.start(), match.end()
        if data[start]:
            encoding = "utf-16-le" if data[start + 2] else "utf-32-le"
        else:
            encoding = "utf-16-be" if data[start + 1] else "utf-32-be"
        yield start, end, encoding
