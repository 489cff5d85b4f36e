"""The one place that knows re2: linear-time regular expressions over bytes, with types."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import re2

from sentry_filters.forking import look_after

_MOST_MEMORY = 32 << 20  # the automaton's cache; when it is full, RE2 continues with a slower machine
_FILES = (__file__, re2.__file__)

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
    return cast("Regex", _Expression(pattern, captures=captures))


def deferred_regex(pattern: str, *, captures: bool = True) -> Regex:
    """`compile_regex` for a module's constants: compiled when it is first used, not by the import."""
    return cast("Regex", _Expression(pattern, captures=captures, deferred=True))


def compile_finder(pattern: str, beginning: str | None = None) -> Finder:
    """`pattern`, compiled for loops that ask where it matches and nothing else.

    `beginning` matches wherever `pattern` does, and perhaps elsewhere; it is what is searched for.
    """
    whole, anchors = _Expression(pattern, captures=False), re2._re2.RE2.Anchor
    unanchored, at_start = anchors.UNANCHORED, anchors.ANCHOR_START
    if beginning is None or beginning == pattern:

        def find(data: bytes, at: int) -> tuple[int, int]:
            place: tuple[int, int] = whole.find(unanchored, data, at, len(data))[0]
            return place

        return find
    beginner = _Expression(beginning, captures=False)

    def find_by_beginning(data: bytes, at: int) -> tuple[int, int]:
        place: tuple[int, int] = beginner.find(unanchored, data, at, len(data))[0]
        while place[0] >= 0:
            found: tuple[int, int] = whole.find(at_start, data, place[0], len(data))[0]
            if found[0] >= 0:
                return found
            place = beginner.find(unanchored, data, place[0] + 1, len(data))[0]
        return place

    return find_by_beginning


class _Expression:
    """Used by any number of threads, also in forked children, and until the interpreter exits.

    RE2 searches without Python's lock and under locks of its own: see `forking.look_after`.
    """

    def __init__(self, pattern: str, *, captures: bool, deferred: bool = False) -> None:
        self._pattern = pattern
        self._captures = captures
        self._parents: tuple[object, ...] = ()
        if deferred:
            self._defer()
        else:
            self._use(_compiled(pattern, captures=captures))
        look_after(self, _FILES)

    @property
    def groups(self) -> int:
        """The number of capturing groups."""
        return int(self._compiled.groups)

    def renew(self) -> None:
        """Compile it anew when it is next used, in a forked child."""
        # What may be locked, or half changed, must not be destroyed either: it is kept.
        self._parents = (*self._parents, self._compiled)
        self._defer()

    def end(self) -> None:
        """Refuse to be used by other threads than this one: RuntimeError there."""
        compiled, own = self._compiled, threading.get_native_id()

        def only_here() -> Any:
            if threading.get_native_id() != own:
                raise RuntimeError("the interpreter is shutting down")
            return compiled

        self._use(_Deferred(only_here))

    def _use(self, compiled: Any) -> None:
        self._compiled = compiled
        self.search, self.match, self.finditer = compiled.search, compiled.match, compiled.finditer
        # re2's own `search` makes a generator and a match object, which costs more than the search itself.
        # This is what it calls, a private seam that a test pins.
        self.find = compiled._regexp.Match

    def _defer(self) -> None:
        def compile_now() -> Any:
            compiled = _compiled(self._pattern, captures=self._captures)
            if self._compiled is deferred:  # else it has been ended in the meantime
                self._use(compiled)
            return compiled

        deferred = _Deferred(compile_now)
        self._use(deferred)


class _Deferred:
    """Stands for a compiled expression, which is asked for at each use."""

    def __init__(self, get: Callable[[], Any]) -> None:
        self._get = get

    @property
    def groups(self) -> int:
        return int(self._get().groups)

    @property
    def _regexp(self) -> _Deferred:
        return _Deferred(lambda: self._get()._regexp)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            return getattr(self._get(), method)(*args)

        return call


def _compiled(pattern: str, *, captures: bool) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = not captures
    options.log_errors = False
    # re2 remembers what it compiled with the same options, and a child must not get its parent's.
    options.max_mem = _MOST_MEMORY + os.getpid()
    try:
        return re2.compile(pattern.encode("latin-1"), options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(f"RE2 refuses {pattern!r}: {error}") from None
