"""The one place that knows re2: linear-time regular expressions over bytes, with types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, cast

import re2

__all__ = ["Match", "Regex", "compile_regex"]


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
