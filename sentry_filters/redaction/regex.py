"""The one place that knows re2: linear-time regular expressions over bytes, with types."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import re2

_MOST_MEMORY = 32 << 20  # the automaton's cache; when it is full, RE2 goes on with a slower machine
_LAST_SEARCHES_SECONDS = 2.0
_POLL_SECONDS = 0.002

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
    return cast("Regex", _Compiled(pattern, captures=captures))


def compile_finder(pattern: str, beginning: str | None = None) -> Finder:
    """`pattern`, compiled for loops that ask where and nothing else.

    `beginning` matches wherever `pattern` does, and perhaps elsewhere; it is what is searched for.

    re2's own `search` makes a generator and a match object, which costs more than the search itself. This
    calls what stands below it, a private seam that a test pins.
    """
    finder, anchors = _Finder(pattern, captures=False), re2._re2.RE2.Anchor
    unanchored, at_start = anchors.UNANCHORED, anchors.ANCHOR_START
    if beginning is None or beginning == pattern:

        def find(data: bytes, at: int) -> tuple[int, int]:
            place: tuple[int, int] = finder.match(unanchored, data, at, len(data))[0]
            return place

        return find
    beginner = _Finder(beginning, captures=False)

    def find_by_beginning(data: bytes, at: int) -> tuple[int, int]:
        place: tuple[int, int] = beginner.match(unanchored, data, at, len(data))[0]
        while place[0] >= 0:
            whole: tuple[int, int] = finder.match(at_start, data, place[0], len(data))[0]
            if whole[0] >= 0:
                return whole
            place = beginner.match(unanchored, data, place[0] + 1, len(data))[0]
        return place

    return find_by_beginning


class _Expressions:
    """All expressions of this process: a fork, and its end, happen to each of them.

    RE2 searches without Python's lock, and under locks of its own. Where a thread searches while another one
    forks, the child finds them locked for ever: so a child compiles its own. And where a daemon thread comes
    back from a search once the interpreter is finalizing, Python before 3.14 ends that thread in the midst of
    C++, which aborts the process: so at the exit no other thread begins a search, and those under way end.
    """

    def __init__(self) -> None:
        self._all: weakref.WeakSet[_Expression] = weakref.WeakSet()
        self._files = {__file__, re2.__file__}

    def add(self, expression: _Expression) -> None:
        """Look after it for as long as it lives."""
        self._all.add(expression)

    def start_afresh(self) -> None:
        """Let each be compiled anew, in a forked child."""
        for expression in list(self._all):
            expression.start_afresh()

    def end(self) -> None:
        """Let only this thread search from now on; searches of other threads have a moment to end."""
        for expression in list(self._all):
            expression.end()
        latest = time.monotonic() + _LAST_SEARCHES_SECONDS
        while self._are_searched_by_others() and time.monotonic() < latest:
            time.sleep(_POLL_SECONDS)

    def _are_searched_by_others(self) -> bool:
        own = threading.get_ident()
        return any(
            frame.f_code.co_filename in self._files
            for thread, frame in sys._current_frames().items()
            if thread != own
        )


class _Expression:
    """Searched for by any number of threads, in forked children, too, and until the interpreter ends."""

    def __init__(self, pattern: str, *, captures: bool) -> None:
        self._pattern = pattern
        self._captures = captures
        self._parents: tuple[object, ...] = ()
        self._take(_compiled(pattern, captures=captures))
        _EXPRESSIONS.add(self)

    def start_afresh(self) -> None:
        """Compile it anew when it is searched for."""
        # What may be locked, or half changed, must not be destroyed either: it is kept.
        self._parents = (*self._parents, self._compiled)
        self._take(_Later(self._renewed))

    def end(self) -> None:
        """Refuse searches by other threads than this one: RuntimeError there."""
        compiled, own = self._compiled, threading.get_native_id()

        def only_here() -> Any:
            if threading.get_native_id() != own:
                raise RuntimeError("the interpreter ends")
            return compiled

        self._take(_Later(only_here))

    def _take(self, compiled: Any) -> None:
        """Search by `compiled` from now on."""
        self._compiled = compiled

    def _renewed(self) -> Any:
        self._take(_compiled(self._pattern, captures=self._captures))
        return self._compiled


class _Compiled(_Expression):
    """Searches by re2's own methods."""

    def _take(self, compiled: Any) -> None:
        super()._take(compiled)
        self.search, self.match, self.finditer = compiled.search, compiled.match, compiled.finditer

    @property
    def groups(self) -> int:
        """The number of capturing groups."""
        return int(self._compiled.groups)


class _Finder(_Expression):
    """Searches by what stands below re2's own methods."""

    def _take(self, compiled: Any) -> None:
        super()._take(compiled)
        self.match = compiled._regexp.Match


class _Later:
    """Asks for the compiled expression whenever it is searched for."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    @property
    def groups(self) -> int:
        return int(self._make().groups)

    @property
    def _regexp(self) -> _Later:
        return self

    def search(self, *args: Any) -> Any:
        return self._make().search(*args)

    def match(self, *args: Any) -> Any:
        return self._make().match(*args)

    def finditer(self, *args: Any) -> Any:
        return self._make().finditer(*args)

    def Match(self, *args: Any) -> Any:  # noqa: N802 - re2's own name
        return self._make()._regexp.Match(*args)


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


# A process forks and ends for all its redactors together: nothing else is kept here.
_EXPRESSIONS = _Expressions()
if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_EXPRESSIONS.start_afresh)
# Registered when this is imported, it runs after the exit functions of what redacts by it.
atexit.register(_EXPRESSIONS.end)
