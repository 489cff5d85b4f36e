"""Finds the secrets that have a form of their own: every kind of the catalogue, in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sentry_filters.redaction.catalogue import Kind
from sentry_filters.redaction.regex import Regex, compile_regex
from sentry_filters.redaction.text.beginnings import beginning_of
from sentry_filters.redaction.text.plausible import is_reference
from sentry_filters.redaction.text.ranges import Span

# What may stand before a secret: the start, any byte that is no letter or digit, or an escape that stands
# for one. In serialised JSON a newline is the two characters `\n`, so a plain `\b` would miss the secret
# after it.
BOUNDARY = r"(?:^|[^A-Za-z0-9]|\\[nrtbfv0]|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2})"
_PREFIX_SIZE = 3
_GROUP_SIZE = 24  # kinds that are asked together before one by one: about the root of their number


@dataclass(frozen=True, slots=True)
class _Compiled:
    kind: Kind
    literal: bytes
    regex: Regex


@dataclass(frozen=True, slots=True)
class _Group:
    regex: Regex
    kinds: tuple[_Compiled, ...]


class Forms:
    """Names what its `pattern` finds."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        every = tuple(kinds)
        compiled = tuple(map(_compiled, every))
        self.pattern = _one_of(kind.pattern for kind in every)
        self.beginning = _one_of(beginning_of(kind.pattern) for kind in every)
        self._any = compile_regex(self.pattern, captures=False)
        self._adjacent = compile_regex(self.pattern.removeprefix(BOUNDARY), captures=False)
        self._by_prefix = _by_prefix(compiled)
        self._groups = tuple(
            _Group(
                compile_regex(_one_of(kind.pattern for kind in every[at : at + _GROUP_SIZE]), captures=False),
                compiled[at : at + _GROUP_SIZE],
            )
            for at in range(0, len(every), _GROUP_SIZE)
        )

    def behind(self, data: bytes, span: Span) -> Span | None:
        """What follows `span` directly, without the boundary that the mark will be to a second pass."""
        match = self._adjacent.match(data, span.end)
        return None if match is None else Span(span.end, match.end(), span.kind)

    def at(self, data: bytes, start: int, end: int) -> tuple[list[Span], int] | None:
        """What goes of data[start:end], and where to look on; None when no kind begins here."""
        if self._any.match(data, start, end) is None:
            return None
        text = data[start:end]
        for each in self._by_prefix.get(
            text[1 : 1 + _PREFIX_SIZE], ()
        ):  # the common case: one byte, then a prefix
            found = _found(each, data, start, end)
            if found is not None and found[1] == end:
                return found
        for group in self._groups:
            if group.regex.match(data, start, end) is None:
                continue
            for each in group.kinds:
                if each.literal in text and (found := _found(each, data, start, end)) is not None:
                    return found
        return None


def _found(each: _Compiled, data: bytes, start: int, end: int) -> tuple[list[Span], int] | None:
    match = each.regex.match(data, start, end)
    if match is None:
        return None
    secret = next((group for group in range(2, each.regex.groups + 1) if match.start(group) >= 0), 1)
    span = Span(match.start(secret), match.end(secret), each.kind.name)
    if secret > 1 and is_reference(data[span.start : span.end]):
        return [], match.end(1)
    return [span], span.end


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
    return _Compiled(kind, kind.literal.encode("latin-1"), compile_regex(f"{BOUNDARY}({kind.pattern})"))
