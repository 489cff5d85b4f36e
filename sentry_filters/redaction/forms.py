"""Finds the secrets that have a form of their own: every kind of the catalogue, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .kinds import Kind
from .plausible import is_placeholder
from .regex import Regex, compile_regex
from .spans import Span

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
    """The kinds, as one expression that finds and many that name what was found."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = tuple(
            _Compiled(kind, kind.literal.encode("latin-1", "replace"), compile_regex(f"{BOUNDARY}({kind.pattern})"))
            for kind in kinds
        )
        self.pattern = BOUNDARY + "(?:" + "|".join(f"(?:{compiled.kind.pattern})" for compiled in self._kinds) + ")"
        self._any = compile_regex(self.pattern, captures=False)

    def spans(self, data: bytes) -> Iterator[Span]:
        """What has to go from `data`."""
        for hit in self._any.finditer(data):
            span = self._named(data, hit.start(), hit.end())
            if span is not None:
                yield span

    def _named(self, data: bytes, start: int, end: int) -> Span | None:
        text = data[start:end]
        for compiled in self._kinds:
            if compiled.literal not in text:
                continue
            match = compiled.regex.match(data, start, end)
            if match is None:
                continue
            if match.group(2 if compiled.regex.groups > 1 else 1) is None:
                return Span(match.start(1), match.end(1), compiled.kind.name)
            if compiled.regex.groups > 1:
                secret = match.group(2) or b""
                if is_placeholder(secret.decode("utf-8", "replace")):
                    return None
                return Span(match.start(2), match.end(2), compiled.kind.name)
            return Span(match.start(1), match.end(1), compiled.kind.name)
        return Span(start, end, "secret")  # found as one of them: it goes, even when none of them owns up
