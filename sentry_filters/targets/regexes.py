r"""The catalogue's patterns, in the dialects of the targets.

A kind's pattern is RE2 over bytes. Go's `regexp` has RE2's syntax over Unicode characters; Rust's `regex` has
a syntax of its own, where `\d`, `\s` and `\b` know all of Unicode and classes have set operations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sentry_filters.redaction.catalogue import Kind
from sentry_filters.redaction.text import BOUNDARY

__all__ = ["ascii_caseless", "for_go", "for_rust", "group_count", "one_of", "quoted"]

_TOKEN = re.compile(
    r"""
    (?P<bytes>(?:\\x[89a-fA-F][0-9a-fA-F])+)        # a character of UTF-8, byte by byte
    | (?P<escape>\\(?:x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|[pP](?:\{\^?\w+\}|\w)|.))
    | (?P<posix>\[:\^?\w+:\])
    | (?P<group>\((?!\?)|\(\?P?<\w+>)
    | (?P<open>\[\^?\]?)
    | (?P<close>\])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ASCII_CLASSES = {"d": "0-9", "s": r"\t\n\x0c\r ", "w": "0-9A-Za-z_"}
_SET_OPERATORS = frozenset("[&~")
_META = frozenset(r"\.+*?()|[]{}^$")


def for_go(pattern: str) -> str:
    r"""Return `pattern` for Go's `regexp`, which matches characters, without capturing groups.

    Raises:
        ValueError: It speaks of bytes that are no character: `\C`, or bytes above 127 in a class.
    """
    return _translated(pattern, escape=_go_escape, in_class=_go_escape, group="(?:")


def for_rust(pattern: str) -> str:
    r"""Return `pattern` for Rust's `regex`, with groups around what is removed, and no others.

    Raises:
        ValueError: Rust has no such syntax: `\C`, `\Q`, or a negated class inside a class.
    """
    captured = _outer_groups(pattern)
    return _translated(captured, escape=_rust_escape, in_class=_rust_in_class, group="(")


def one_of(kinds: Iterable[Kind], dialect: Callable[[str], str]) -> str:
    """Return one expression for all of `kinds`, the first of which that fits at a place counts.

    Raises:
        ValueError: `dialect` cannot express a pattern; its message names what.
    """
    boundary = BOUNDARY if dialect is for_rust else f"({BOUNDARY[3:]}"
    # Each alternative for itself: a group of the one is none of the other.
    alternatives = "|".join(f"(?:{dialect(kind.pattern)})" for kind in kinds)
    return f"{boundary}(?:{alternatives})"


def group_count(pattern: str) -> int:
    """Return how many capturing groups `pattern` has."""
    inside = False
    count = 0
    for token in _TOKEN.finditer(pattern):
        count += token.lastgroup == "group" and not inside
        inside = (inside or token.lastgroup == "open") and token.lastgroup != "close"
    return count


def quoted(text: str) -> str:
    """Return a pattern, in every dialect, of exactly `text`."""
    return "".join(f"\\{character}" if character in _META else character for character in text)


def ascii_caseless(text: str) -> str:
    """Return a pattern of `text` in any case of its ASCII letters, and nothing else.

    `(?i)` would let the Kelvin sign pass for a `k`, and the long s for an `s`: a look-alike is another host.
    """
    return "".join(
        f"[{character}{character.upper()}]"
        if character.isascii() and character.isalpha()
        else quoted(character)
        for character in text.lower()
    )


def _translated(
    pattern: str, *, escape: Callable[[str], str], in_class: Callable[[str], str], group: str
) -> str:
    parts: list[str] = []
    inside = False
    for token in _TOKEN.finditer(pattern):
        text, name = token.group(), token.lastgroup
        if name == "bytes":
            parts.append(_character(text, inside=inside))
        elif name == "group" and not inside:
            parts.append(group)
        elif name == "open" and not inside:
            inside = True
            parts.append(text)
        elif name == "close":
            inside = False
            parts.append(text)
        elif inside and name != "posix":
            parts.append(in_class(text))
        else:
            parts.append(escape(text) if name == "escape" else text)
    return "".join(parts)


def _character(text: str, *, inside: bool) -> str:
    try:
        character = bytes.fromhex(text.replace("\\x", "")).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{text!r} is no character of UTF-8") from None
    if inside:
        raise ValueError(f"{text!r} in a class means bytes, not the character {character!r}")
    return "".join(f"\\x{{{ord(one):X}}}" for one in character)


def _go_escape(text: str) -> str:
    if text == "\\C":
        raise ValueError("\\C means a byte")
    return text


def _rust_escape(text: str) -> str:
    letter = text[1]
    if letter in _ASCII_CLASSES:
        return f"[{_ASCII_CLASSES[letter]}]"
    if letter.lower() in _ASCII_CLASSES:
        return f"[^{_ASCII_CLASSES[letter.lower()]}]"
    if letter == "b":
        return "(?-u:\\b)"
    if letter in "BCQE" or letter.isdigit():
        raise ValueError(f"{text} means something else there")
    return text


def _rust_in_class(text: str) -> str:
    if not text.startswith("\\"):
        return "".join(f"\\{character}" if character in _SET_OPERATORS else character for character in text)
    letter = text[1]
    if letter.lower() in _ASCII_CLASSES and letter not in _ASCII_CLASSES:
        raise ValueError(f"{text} in a class")
    return _ASCII_CLASSES.get(letter, text)


def _outer_groups(pattern: str) -> str:
    """`pattern` with a group around what is removed: its own outermost ones, else one around all of it.

    Relay cannot take one group inside another.
    """
    tokens = [(token.group(), token.lastgroup or "") for token in _TOKEN.finditer(pattern)]
    captures: list[bool] = []  # of the parentheses that are open
    parts: list[str] = []
    inside = found = False
    for text, name in tokens:
        opens = not inside and (name == "group" or (name == "other" and text == "("))
        if opens:
            capturing = name == "group"
            nested = capturing and any(captures)
            captures.append(capturing)
            found = found or capturing
            parts.append("(?:" if nested else text)
            continue
        if not inside and name == "other" and text == ")":
            captures.pop()
        inside = (inside or name == "open") and name != "close"
        parts.append(text)
    return "".join(parts) if found else f"({pattern})"
