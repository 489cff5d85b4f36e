r"""The catalogue's patterns, in the dialects of the targets.

A kind's pattern is RE2 over bytes. Go's `regexp` has RE2's syntax over Unicode characters; Rust's `regex` has
a syntax of its own, where `\d`, `\s` and `\b` know all of Unicode and classes have set operations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

_TOKEN = re.compile(
    r"""
    (?P<bytes>(?:\\x[89a-fA-F][0-9a-fA-F])+)        # a character of UTF-8, byte by byte
    | (?P<escape>\\(?:x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|[pP](?:\{\^?\w+\}|\w)|.))
    | (?P<posix>\[:\^?\w+:\])
    | (?P<group>\((?!\?)|\(\?P?<\w+>)
    | (?P<uncaptured>\()
    | (?P<end>\))
    | (?P<open>\[\^?\]?)
    | (?P<close>\])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ASCII_CLASSES: Mapping[str, str] = {"d": "0-9", "s": r"\t\n\x0c\r ", "w": "0-9A-Za-z_"}
_SET_OPERATORS = frozenset("[&~")
_META = frozenset(r"\.+*?()|[]{}^$")


def for_go(pattern: str) -> str:
    r"""Return `pattern` for Go's `regexp`, which matches characters, without capturing groups.

    Raises:
        ValueError: It means bytes that are not characters: `\C`, or bytes above 127 in a class.
    """
    return _translated(pattern, escape=_go_escape, member=_go_escape, group="(?:")


def for_rust(pattern: str) -> str:
    r"""Return `pattern` for Rust's `regex`, with groups around what is removed, and no others.

    Raises:
        ValueError: Rust has no such syntax: `\C`, `\Q`, or a negated class inside a class.
    """
    return _translated(_outer_groups(pattern), escape=_rust_escape, member=_rust_member, group="(")


def group_count(pattern: str) -> int:
    """Return how many capturing groups `pattern` has."""
    return sum(kind == "group" for kind, _ in _tokens(pattern))


def quoted(text: str) -> str:
    """Return a pattern, in every dialect, of exactly `text`."""
    return "".join(f"\\{character}" if character in _META else character for character in text)


def ascii_caseless(text: str) -> str:
    """Return a pattern of `text` in any case of its ASCII letters, and nothing else.

    `(?i)` would take the Kelvin sign for a `k`, and the long s for an `s`: a look-alike is another host.
    """
    return "".join(
        f"[{character}{character.upper()}]"
        if character.isascii() and character.isalpha()
        else quoted(character)
        for character in text.lower()
    )


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield each token of `pattern` as its kind and its text; what a class consists of is a "member"."""
    inside = False
    for token in _TOKEN.finditer(pattern):
        kind, text = token.lastgroup or "", token.group()
        if inside and kind not in ("posix", "close"):
            yield "member bytes" if kind == "bytes" else "member", text
        else:
            yield kind, text
            inside = kind == "open" or (inside and kind != "close")


def _translated(
    pattern: str, *, escape: Callable[[str], str], member: Callable[[str], str], group: str
) -> str:
    translate: dict[str, Callable[[str], str]] = {
        "bytes": _characters,
        "member bytes": _refused_bytes,
        "escape": escape,
        "member": member,
        "group": lambda _: group,
    }
    return "".join(translate.get(kind, str)(text) for kind, text in _tokens(pattern))


def _characters(text: str) -> str:
    return "".join(f"\\x{{{ord(character):X}}}" for character in _decoded(text))


def _refused_bytes(text: str) -> str:
    raise ValueError(f"{text!r} in a class means bytes, not the character {_decoded(text)!r}")


def _decoded(text: str) -> str:
    try:
        return bytes.fromhex(text.replace("\\x", "")).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{text!r} is not a character of UTF-8") from None


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


def _rust_member(text: str) -> str:
    if not text.startswith("\\"):
        return "".join(f"\\{character}" if character in _SET_OPERATORS else character for character in text)
    letter = text[1]
    if letter.lower() in _ASCII_CLASSES and letter not in _ASCII_CLASSES:
        raise ValueError(f"{text} in a class")
    return _ASCII_CLASSES.get(letter, text)


def _outer_groups(pattern: str) -> str:
    """Return `pattern` with a group around what is removed: its own outermost ones, else one around it all.

    Relay cannot take one group inside another.
    """
    if group_count(pattern) == 0:
        return f"({pattern})"
    capturing: list[bool] = []  # of each parenthesis that is open
    parts: list[str] = []
    for kind, text in _tokens(pattern):
        nested = kind == "group" and any(capturing)
        parts.append("(?:" if nested else text)
        if kind in ("group", "uncaptured"):
            capturing.append(kind == "group")
        elif kind == "end":
            capturing.pop()
    return "".join(parts)
