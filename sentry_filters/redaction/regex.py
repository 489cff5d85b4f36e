"""The one place that knows re2: linear-time regular expressions over bytes, with types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import re2

__all__ = ["Finder", "Match", "Regex", "compile_finder", "compile_regex"]

Finder = Callable[[bytes, int], tuple[int, int]]
"""Where the first match from a position on begins and ends; (-1, -1) where there is none."""


class Match(Protocol):
    """What this package uses of a match."""

    def start(self, group: int = 0) -> int:
        """Where the group begins; -1 when it took no part."""

    def end(self, group: int = 0) -> int:
        """Where the group ends; -1 when it took no part."""

    def group(self, group: int = 0) -> bytes | None:
        """What the group matched; None when it took no part."""


class Regex(Protocol):
    """What this package uses of a compiled expression."""

    @property
    def groups(self) -> int:
        """The number of capturing groups."""

    def search(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Match | None:
        """The first match from `pos` on."""

    def match(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Match | None:
        """The match at `pos`."""

    def finditer(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Iterator[Match]:
        """All matches that do not overlap."""


def compile_regex(pattern: str, *, captures: bool = True) -> Regex:
    """`pattern`, compiled to run over bytes; ValueError says why RE2 refuses it.

    Latin-1 mode makes every byte a character: nothing is invalid, and `[^"]` covers what UTF-8 would write
    with several bytes. Without captures RE2 can stay in its fastest machine.
    """
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = not captures
    options.log_errors = False
    options.max_mem = 64 << 20  # the automaton's cache; when it is full, RE2 goes on with a slower machine
    try:
        return cast("Regex", re2.compile(pattern.encode("latin-1"), options))
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(f"RE2 refuses {pattern!r}: {error}") from None


def compile_finder(pattern: str) -> Finder:
    """`pattern`, compiled for loops that ask where and nothing else.

    re2's own `search` makes a generator and a match object, which costs more than the search itself. This
    calls what stands below it, a private seam that a test pins.
    """
    match = cast("Any", compile_regex(pattern, captures=False))._regexp.Match
    unanchored = re2._re2.RE2.Anchor.UNANCHORED

    def find(data: bytes, at: int) -> tuple[int, int]:
        place: tuple[int, int] = match(unanchored, data, at, len(data))[0]
        return place

    return find
