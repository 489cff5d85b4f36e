"""Conditions in the OpenTelemetry Transformation Language, put together from few documented parts.

Only `and`, `or`, `not`, `==`, `!=`, `nil`, `IsMatch`, `IsMap` and `IsString` are used. `IsMatch` of what is
not there is false, and converts numbers to text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Joined(str):
    """Conditions with one word between them; each that has such a word itself is in parentheses.

    Attributes:
        clauses: The same in parts: the first, and each further one behind the word.
    """

    __slots__ = ("clauses",)
    clauses: Sequence[str]

    def __new__(cls, word: str, conditions: Iterable[str]) -> Joined:
        """Join them by `word`."""
        first, *others = (f"({each})" if isinstance(each, Joined) else each for each in conditions)
        clauses = (first, *(f"{word} {other}" for other in others))
        joined = super().__new__(cls, " ".join(clauses))
        joined.clauses = clauses
        return joined


def literal(text: str) -> str:
    """Return `text` as a literal, by escapes that Go and YAML share."""
    return f'"{"".join(map(_escaped, text))}"'


def attribute(name: str) -> str:
    """Return the path of an attribute of the record at hand."""
    return f"attributes[{literal(name)}]"


def is_match(path: str, pattern: str) -> str:
    """Return the condition that a value is there and holds what `pattern` (Go's `regexp`) describes."""
    return f"IsMatch({path}, {literal(pattern)})"


def is_set(path: str) -> str:
    """Return the condition that a value is there."""
    return f"{path} != nil"


def none_set(*paths: str) -> str:
    """Return the condition that there is no value at any of these paths."""
    return all_of(*(f"{path} == nil" for path in paths))


def first_matches(pattern: str, first: str, *others: str) -> str:
    """Return the condition that the first of these paths that has a value matches."""
    matches = is_match(first, pattern)
    if not others:
        return matches
    return any_of(matches, all_of(none_set(first), first_matches(pattern, *others)))


def equals(path: str, value: str) -> str:
    """Return the condition that a value is exactly this text."""
    return f"{path} == {literal(value)}"


def is_one_of(path: str, values: Iterable[str]) -> str:
    """Return the condition that a value is one of these texts."""
    return any_of(*(equals(path, value) for value in values))


def all_of(*conditions: str) -> str:
    """Return the condition that all of them hold; empty ones are left out."""
    return _joined("and", conditions) or "true"


def any_of(*conditions: str) -> str:
    """Return the condition that one of them holds; empty ones are left out."""
    return _joined("or", conditions) or "false"


def negated(condition: str) -> str:
    """Return the opposite; that of an empty one is empty."""
    return condition and f"not ({condition})"


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _joined(word: str, conditions: Iterable[str]) -> str:
    parts = [condition for condition in conditions if condition]
    return Joined(word, parts) if len(parts) > 1 else next(iter(parts), "")
