"""Finds the secrets that have a form of their own: every kind of the catalogue, in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sentry_filters.redaction.kinds import Kind
from sentry_filters.redaction.plausible import is_reference
from sentry_filters.redaction.regex import Regex, compile_regex
from sentry_filters.redaction.spans import Span

__all__ = ["BOUNDARY", "Forms"]

# What may stand before a secret: the start, any byte that is no letter or digit, or an escape that stands
# for one. In serialised JSON a newline is the two characters `\n`, so a plain `\b` would miss the secret
# after it.
BOUNDARY = r"(?:^|[^A-Za-z0-9]|\\[nrtbfv0]|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2})"


@dataclass(frozen=True, slots=True)
class _Compiled:
    kind: Kind
    literal: bytes
    regex: Regex


class Forms:
    """Names what its `pattern` finds."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = tuple(map(_compiled, kinds))
        self.pattern = BOUNDARY + "(?:" + "|".join(f"(?:{each.kind.pattern})" for each in self._kinds) + ")"

    def at(self, data: bytes, start: int, end: int) -> tuple[list[Span], int] | None:
        """What goes of data[start:end], and where to look on; None when no kind begins here."""
        text = data[start:end]
        for each in self._kinds:
            if each.literal not in text:
                continue
            match = each.regex.match(data, start, end)
            if match is None:
                continue
            secret = next((group for group in range(2, each.regex.groups + 1) if match.start(group) >= 0), 1)
            span = Span(match.start(secret), match.end(secret), each.kind.name)
            if secret > 1 and is_reference(data[span.start : span.end]):
                return [], match.end(1)
            return [span], span.end
        return None


def _compiled(kind: Kind) -> _Compiled:
    return _Compiled(kind, kind.literal.encode("latin-1"), compile_regex(f"{BOUNDARY}({kind.pattern})"))
