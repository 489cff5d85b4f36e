"""Conditions in the OpenTelemetry Transformation Language, put together from few documented parts.

Only `and`, `or`, `not`, `==`, `!=`, `nil`, `IsMatch`, `IsMap` and `IsString` are used. `IsMatch` of what is
not there is false, and converts numbers to text.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["all_of", "any_of", "attribute", "equals", "is_match", "is_one_of", "is_set", "negated", "text"]


def text(value: str) -> str:
    """Return the literal of a text, by escapes that Go and YAML share."""
    return f'"{"".join(map(_escaped, value))}"'


def attribute(name: str) -> str:
    """Return the path of an attribute of the record at hand."""
    return f"attributes[{text(name)}]"


def is_match(path: str, pattern: str) -> str:
    """Return the condition that a value is there and holds what `pattern` (Go's `regexp`) describes."""
    return f"IsMatch({path}, {text(pattern)})"


def is_set(path: str, *, there: bool) -> str:
    """Return the condition that a value is there, or is not."""
    return f"{path} {'!=' if there else '=='} nil"


def equals(path: str, value: str) -> str:
    """Return the condition that a value is exactly this text."""
    return f"{path} == {text(value)}"


def is_one_of(path: str, values: Iterable[str]) -> str:
    """Return the condition that a value is one of these texts."""
    return any_of(*(equals(path, value) for value in values))


def all_of(*conditions: str) -> str:
    """Return the condition that all hold; an empty one is left out."""
    return _joined(" and ", conditions) or "true"


def any_of(*conditions: str) -> str:
    """Return the condition that one holds; an empty one is left out."""
    return _joined(" or ", conditions) or "false"


def negated(condition: str) -> str:
    """Return the opposite."""
    return f"not ({condition})"


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _joined(word: str, conditions: Iterable[str]) -> str:
    parts = [condition for condition in conditions if condition]
    return parts[0] if len(parts) == 1 else word.join(_grouped(part) for part in parts)


def _grouped(condition: str) -> str:
    """`condition` in parentheses, where a word at its top level could bind otherwise."""
    depth = 0
    quoted = False
    for at, character in enumerate(condition):
        if character == '"' and not _is_escaped(condition, at):
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
            if depth == 0 and condition.startswith((" and ", " or "), at):
                return f"({condition})"
    return condition


def _is_escaped(condition: str, at: int) -> bool:
    before = condition[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
