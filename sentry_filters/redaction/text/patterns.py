"""Finds the secrets that have a form of their own: every kind of the catalogue, in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sentry_filters.forking import shared
from sentry_filters.redaction.catalogue import CATALOGUE, Kind
from sentry_filters.redaction.regex import Regex, deferred_regex
from sentry_filters.redaction.text.plausible import is_reference
from sentry_filters.redaction.text.ranges import Range

# What may precede a secret: the start, any byte that is not a letter or digit, or an escape of
# one. In serialised JSON a newline is the two characters `\n`, so a plain `\b` misses the secret after it.
BOUNDARY = r"(?:^|[^A-Za-z0-9]|\\[nrtbfv0]|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2})"
_PREFIX_SIZE = 3
_WINDOW = 4096  # bytes behind a secret in which one that overlaps it ends
_GROUP_SIZE = 24  # kinds that are asked together before one by one: about the root of their number
# A repetition that ends the expression, perhaps inside groups. An escaped one is a character; a lazy or
# possessive one ends in another sign.
_LAST_REPETITION = re.compile(r"(?<!\\)(?:\{(?P<least>[0-9]+),[0-9]*\}|(?P<once>\+))(?P<closing>\)*)$")


@dataclass(frozen=True, slots=True)
class _Compiled:
    kind: Kind
    literal: bytes
    regex: Regex


class Patterns:
    """Finds which kind a match of its `pattern` is of; `beginning` matches where a match begins.

    Of `kinds`, the last are `added` by the application. Where those overlap, all that they match is secret:
    their order says nothing.
    """

    def __init__(self, kinds: Iterable[Kind], *, added: int = 0) -> None:
        every = tuple(kinds)
        compiled = tuple(map(_compiled, every))
        self._added = compiled[len(compiled) - added :]
        self.pattern = _one_of(kind.pattern for kind in every)
        # Ungreedy: what a match begins with is soon found, and it is not far back to where that begins.
        self.beginning = f"(?U:{_one_of(beginning_of(kind.pattern) for kind in every)})"
        self._any = deferred_regex(self.pattern, captures=False)
        self._adjacent = deferred_regex(self.pattern.removeprefix(BOUNDARY), captures=False)
        self._by_prefix = _by_prefix(compiled)
        self._groups: list[tuple[Regex, tuple[_Compiled, ...]]] = []
        for at in range(0, len(every), _GROUP_SIZE):
            of_group = _one_of(kind.pattern for kind in every[at : at + _GROUP_SIZE])
            self._groups.append((deferred_regex(of_group, captures=False), compiled[at : at + _GROUP_SIZE]))

    def behind(self, data: bytes, secret: Range) -> Range | None:
        """What follows `secret` directly, without the boundary that the mark will be to a second pass."""
        match = self._adjacent.match(data, secret.end)
        return None if match is None else Range(secret.end, match.end(), secret.kind)

    def at(self, data: bytes, start: int, end: int) -> tuple[list[Range], int] | None:
        """The secrets in data[start:end], and where to continue; None when no kind begins here."""
        found = self._one_at(data, start, end)
        if found is None or not self._added:
            return found
        return self._with_overlapping(data, start, found)

    def _with_overlapping(
        self, data: bytes, start: int, found: tuple[list[Range], int]
    ) -> tuple[list[Range], int]:
        """`found`, and what added kinds match that begins in it and reaches beyond it."""
        secrets, end = found
        for each in self._added:
            match = each.regex.search(data, start, min(len(data), end + _WINDOW))
            if match is None or match.start(1) >= end:
                continue
            more, at = _found(each, data, match.start(), len(data)) or ([], 0)
            secrets, end = [*secrets, *more], max(end, at)
        return secrets, end

    def _one_at(self, data: bytes, start: int, end: int) -> tuple[list[Range], int] | None:
        """The secret of the first kind that begins at `start`."""
        if self._any.match(data, start, end) is None:
            return None
        text = data[start:end]
        # The common case: one byte, then a prefix.
        for each in self._by_prefix.get(text[1 : 1 + _PREFIX_SIZE], ()):
            found = _found(each, data, start, end)
            if found is not None and found[1] == end:
                return found
        for regex, kinds in self._groups:
            if regex.match(data, start, end) is None:
                continue
            for each in kinds:
                if each.literal in text and (found := _found(each, data, start, end)) is not None:
                    return found
        return None


def patterns_of(added: Iterable[Kind], catalogue: Iterable[Kind] = CATALOGUE) -> Patterns:
    r"""The patterns of the catalogue and of `added`, which redactors share that add the same kinds.

    Raises:
        ValueError: `added` are not valid together, though each of them is: a quotation (`\Q`) does not end.
    """
    own = tuple(added)
    if own:
        for expression in (
            _one_of(kind.pattern for kind in own),
            _one_of(beginning_of(kind.pattern) for kind in own),
        ):
            Regex(expression, captures=False)
    every = (*catalogue, *own)
    return shared((Patterns, every, len(own)), lambda: Patterns(every, added=len(own)))


def beginning_of(pattern: str) -> str:
    """Return `pattern` with no more than the least number of its last repetition.

    `x{3,9}` becomes `x{3}`, `(a|x+)` becomes `(a|x)`: what the one matches at a place begins with what the
    other matches there.

    To find where a match begins, RE2 runs the expression backwards from where it ends. Forwards, few of some
    hundred kinds are alive after the first bytes; backwards, every kind that may end in any number of letters
    is alive with all its counts, in a state that no other secret shares: milliseconds for each secret never
    met before. The least that each kind can end in has one count, and its states are soon known.
    """
    return _LAST_REPETITION.sub(_least, pattern)


def _least(match: re.Match[str]) -> str:
    least = "" if match["once"] else f"{{{match['least']}}}"
    return f"{least}{match['closing']}"


def _found(each: _Compiled, data: bytes, start: int, end: int) -> tuple[list[Range], int] | None:
    match = each.regex.match(data, start, end)
    if match is None:
        return None
    group = next((group for group in range(2, each.regex.groups + 1) if match.start(group) >= 0), 1)
    secret = Range(match.start(group), match.end(group), each.kind.name)
    if group > 1 and is_reference(data[secret.start : secret.end]):
        return [], match.end(1)
    return [secret], secret.end


def _by_prefix(kinds: Iterable[_Compiled]) -> dict[bytes, list[_Compiled]]:
    """The kinds by the beginning of their literal; one that begins otherwise costs a look, no more."""
    grouped: dict[bytes, list[_Compiled]] = {}
    for each in kinds:
        if len(each.literal) >= _PREFIX_SIZE:
            grouped.setdefault(each.literal[:_PREFIX_SIZE], []).append(each)
    return grouped


def _one_of(patterns: Iterable[str]) -> str:
    return BOUNDARY + "(?:" + "|".join(f"(?:{pattern})" for pattern in patterns) + ")"


def _compiled(kind: Kind) -> _Compiled:
    return _Compiled(kind, kind.literal.encode("latin-1"), deferred_regex(f"{BOUNDARY}({kind.pattern})"))
