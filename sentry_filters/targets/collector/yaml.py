"""The little of YAML that a Collector's configuration needs, exactly: scalars and comments."""

from __future__ import annotations

import textwrap

from sentry_filters.targets.collector.ottl import text as literal

__all__ = ["comment", "folded", "scalar"]

_WIDTH = 110


def scalar(text: str) -> str:
    """Return `text` as a quoted scalar; a Collector takes `$$` for a dollar."""
    escaped = text.replace("$", "$$")
    if escaped.isprintable():
        return "'" + escaped.replace("'", "''") + "'"
    return literal(escaped)


def folded(text: str, indent: str) -> str:
    """Return `text` as a folded scalar, broken before each `and` outside of parentheses.

    Args:
        text: Without line breaks, as conditions are.
        indent: Before each line.
    """
    return ">-\n" + "\n".join(indent + line.replace("$", "$$") for line in _clauses(text))


def comment(text: str, indent: str = "") -> str:
    """Return `text` as lines of comment; what could end a line early becomes a blank."""
    text = "".join(character if character.isprintable() else " " for character in text)
    lines = textwrap.wrap(text, _WIDTH - len(indent) - 2, subsequent_indent="  ", break_long_words=False)
    return "\n".join(f"{indent}# {line}" for line in lines)


def _clauses(text: str) -> list[str]:
    clauses: list[str] = []
    start = depth = 0
    quoted = escaped = False
    for at, character in enumerate(text):
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        else:
            depth += (character == "(") - (character == ")")
            if depth == 0 and text.startswith(" and ", at):
                clauses.append(text[start:at])
                start = at + 1
    return [*clauses, text[start:]]
