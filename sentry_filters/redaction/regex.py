"""The one place that knows re2: linear-time regular expressions over bytes, with types."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sentry_filters.forking import look_after, one_at_a_time, shared
from sentry_filters.redaction.platforms import without_re2

try:
    import re2
    from re2 import _re2  # other packages have a module `re2`, too
except ImportError as _error:
    raise ImportError(without_re2(_error)) from _error

_MOST_MEMORY = 32 << 20  # the automaton's cache; when it is full, RE2 continues with a slower machine
_FILES = (__file__, re2.__file__)
_ANCHORS: Mapping[str, str] = {"search": "UNANCHORED", "match": "ANCHOR_START"}
_ATTRIBUTES = ("groups", "search", "match", "finditer", "find")

Finder = Callable[[bytes, int], tuple[int, int]]
"""Where the first match from a position on begins and ends; (-1, -1) where there is none."""


class Match:
    """Where an expression and its groups were found in bytes; re2's own costs several times as much."""

    __slots__ = ("_data", "_spans")

    def __init__(self, data: bytes, spans: Sequence[tuple[int, int]]) -> None:
        self._data = data
        self._spans = spans

    def start(self, group: int = 0) -> int:
        """Where the group begins; -1 where it has no part in the match."""
        return self._spans[group][0]

    def end(self, group: int = 0) -> int:
        """Where the group ends."""
        return self._spans[group][1]

    def group(self, group: int = 0) -> bytes | Any:
        """What the group matches, None where it has no part in the match."""
        start, end = self._spans[group]
        return None if start < 0 else self._data[start:end]


class Regex:
    """`pattern`, compiled to run over bytes, with methods as in `re`; ValueError says why RE2 refuses it.

    Latin-1 mode makes every byte a character: nothing is invalid, and `[^"]` covers what UTF-8 would write
    with several bytes. Without captures RE2 can stay in its fastest machine.

    A `deferred` one is compiled by whoever uses it first, and that is when RE2's refusal is raised; who comes
    in the meantime waits for that compilation. RE2 keeps Python's lock while it compiles.

    Used by any number of threads, also in forked children, and until the interpreter exits. RE2 searches
    without Python's lock and under locks of its own: see `forking.look_after`.
    """

    groups: int
    search: Callable[..., Match | None]
    match: Callable[..., Match | None]
    finditer: Callable[..., Iterator[Match]]
    # re2's own `search` makes a generator and a match object, which costs more than the search itself: here
    # a match is made where there is one. This is what it calls, a private seam that a test pins.
    find: Callable[[object, bytes, int, int], tuple[tuple[int, int], ...]]

    def __init__(self, pattern: str, *, captures: bool = True, deferred: bool = False) -> None:
        self._pattern, self._captures = pattern, captures
        self._compiled = None if deferred else _compiled(pattern, captures=captures)
        self._parents: tuple[object, ...] = ()
        self._user: int | None = None  # the thread that exits, when it does: no other one may use it
        look_after(self, _FILES)

    def __getattr__(self, name: str) -> Any:
        """What is not there yet: compile it if need be, and spare the next use the way through here."""
        if name not in _ATTRIBUTES:
            raise AttributeError(name)
        if self._user not in (None, threading.get_native_id()):
            raise RuntimeError("the interpreter is shutting down")
        compiled = one_at_a_time(self._compile)
        if name == "find":
            value = compiled._regexp.Match
        elif name in _ANCHORS:
            value = _matching(compiled, getattr(_re2.RE2.Anchor, _ANCHORS[name]))
        else:
            value = getattr(compiled, name)
        if self._user is None:
            self.__dict__[name] = value
        return value

    def renew(self) -> None:
        """Compile it anew when it is next used, in a forked child."""
        # What may be locked, or half changed, must not be destroyed either: it is kept.
        self._parents = (*self._parents, self._compiled)
        self._compiled = self._user = None
        self._forget_attributes()

    def end(self) -> None:
        """Refuse to be used by other threads than this one: RuntimeError there."""
        self._user = threading.get_native_id()
        self._forget_attributes()

    def _compile(self) -> Any:
        if self._compiled is None:
            self._compiled = _compiled(self._pattern, captures=self._captures)
        return self._compiled

    def _forget_attributes(self) -> None:
        for name in _ATTRIBUTES:
            self.__dict__.pop(name, None)


def deferred_regex(pattern: str, *, captures: bool = True) -> Regex:
    """The regex of this process for `pattern`, which is known to be valid: compiled when it is first used."""
    return shared((Regex, pattern, captures), lambda: Regex(pattern, captures=captures, deferred=True))


def compile_finder(pattern: str, beginning: str | None = None) -> Finder:
    """`pattern`, known to be valid, for loops that ask where it matches and nothing else.

    `beginning` matches wherever `pattern` does, and perhaps elsewhere; it is what is searched for.
    """
    whole, anchors = deferred_regex(pattern, captures=False), _re2.RE2.Anchor
    unanchored, at_start = anchors.UNANCHORED, anchors.ANCHOR_START
    if beginning is None or beginning == pattern:

        def find(data: bytes, at: int) -> tuple[int, int]:
            return whole.find(unanchored, data, at, len(data))[0]

        return find
    beginner = deferred_regex(beginning, captures=False)

    def find_by_beginning(data: bytes, at: int) -> tuple[int, int]:
        place = beginner.find(unanchored, data, at, len(data))[0]
        while place[0] >= 0:
            found = whole.find(at_start, data, place[0], len(data))[0]
            if found[0] >= 0:
                return found
            place = beginner.find(unanchored, data, place[0] + 1, len(data))[0]
        return place

    return find_by_beginning


def first_of(one: Finder, other: Finder, data: bytes) -> Callable[[int], tuple[int, int]]:
    """Find in `data` what `one` or `other` finds, at growing positions: what begins first, of two `one`.

    An automaton for both would need a state for each state of the one in each of the other. Text that is
    always new, as ids are, meets ever more of them, and a new state costs more than a thousand bytes. Two
    small ones are soon complete.
    """
    ones, others = one(data, 0), other(data, 0)

    def find(at: int) -> tuple[int, int]:
        nonlocal ones, others
        if 0 <= ones[0] < at:
            ones = one(data, at)
        if 0 <= others[0] < at:
            others = other(data, at)
        return others if ones[0] < 0 or 0 <= others[0] < ones[0] else ones

    return find


def _matching(compiled: Any, anchor: object) -> Callable[..., Match | None]:
    """`search` or `match` of what is compiled, by the anchor."""
    find = compiled._regexp.Match

    def matching(data: bytes, pos: int = 0, endpos: int | None = None) -> Match | None:
        end = len(data) if endpos is None else min(endpos, len(data))
        if pos > end:
            return None
        spans = find(anchor, data, pos, end)
        return None if spans[0][0] < 0 else Match(data, spans)

    return matching


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
