"""Where a candidate stands: how far its value goes, and what is around it on its line."""

from __future__ import annotations

from dataclasses import dataclass

from sentry_filters.redaction.findings import REDACTED, WITHHELD
from sentry_filters.redaction.regex import deferred_regex
from sentry_filters.redaction.text.generated import is_word

_BEFORE, _AFTER = 112, 64  # bytes around a value in which its context is looked for
_PAYLOAD = 4096  # bytes of a value that are read at most
_FARTHEST = 256  # bytes that a value may begin before what was found of it

_VALUE_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~+/"
# What is beyond one of these says nothing of the value.
_ENDS = (b"\0", b"\n", b"\\n", b"\r", REDACTED.encode(), WITHHELD.encode())
_EXTENSION = deferred_regex(r"\.[A-Za-z]{1,5}$", captures=False)
_GAP = r"(?:[ \t]|\\+t)"
_BESIDE = deferred_regex(
    r"([A-Za-z][\w.\-]*)"
    r"((?:\\*[\"'`]|&quot;|[\])]|\(\))*)"
    rf"({_GAP}*(?:=>|->|:?={{1,2}}|:|,|%3[dDaA]|- |\|){_GAP}*"
    rf"|{_GAP}+(?:is|was|were|returned|returns|got|equals|of){_GAP}*:?{_GAP}*|{_GAP}+|)"
    r"((?:[\[({<]|[bfru]{0,2}(?:\\*[\"'`]|&quot;))*)$"
)
_ASSIGNING = (b":", b"=", b":=", b"==", b"=>", b"->", b"%3d", b"%3a")
_INSIDE = (b"/", b"@", b"#", b"%", b"~", b":", b"&", b"\\")


@dataclass(frozen=True, slots=True)
class Place:
    """What stands around a value on its line."""

    before: bytes
    after: bytes
    name: str = ""  # the word beside it
    name_at: int = 0  # in `before`
    separator: bytes = b""
    opening: bytes = b""  # the quotes and brackets that open the value

    @property
    def is_assigned(self) -> bool:
        """Whether the word beside the value is the name that it is given to."""
        if self.separator == b"|":  # the cells of a table
            return self.before.lstrip()[:1] == b"|"
        return self.separator.lower() in _ASSIGNING

    @property
    def is_inside(self) -> bool:
        """Whether the value is part of a larger text, such as a path."""
        return self.before[-1:] in _INSIDE


def value_around(data: bytes, at: int) -> tuple[int, int]:
    """Where the value whose characters include data[at - 1] begins and ends.

    Of a path it is the section around `at`; of the name of a file or a host, nothing.
    """
    lowest = max(0, at - _FARTHEST)
    first = lowest + len(data[lowest:at].rstrip(_VALUE_BYTES))
    tail = data[at : at + _PAYLOAD]
    last = _padded(data, at + len(tail) - len(tail.lstrip(_VALUE_BYTES)))
    while last > first and data[last - 1] in b"./":
        last -= 1
    first = max(first, min(last, _without_escape(data, first)))
    if _is_path(data, first, last):
        first = max(first, data.rfind(b"/", first, at) + 1)
        end = data.find(b"/", at, last)
        last = last if end < 0 else end
        if _EXTENSION.search(data[first:last]) is not None:
            return last, last
    return first, last


def _padded(data: bytes, last: int) -> int:
    """`last`, behind the equals signs that fill up base64."""
    padding = len(data[last : last + 3]) - len(data[last : last + 3].lstrip(b"="))
    return (
        last + padding if padding <= 2 and not data[last + padding : last + padding + 1].isalnum() else last
    )


def _without_escape(data: bytes, first: int) -> int:
    """`first`, behind the letters of an escape, or before the `$` that some keys begin with."""
    before = data[first - 1 : first] if first else b""
    if before == b"\\":
        escaped = data[first : first + 1]
        return first + {b"u": 5, b"x": 3}.get(escaped, 1 if escaped in (b"n", b"r", b"t") else 0)
    if before == b"%":
        return first + 2
    return first - 1 if before == b"$" else first


def _is_path(data: bytes, first: int, last: int) -> bool:
    """Whether the value is a path, a host or a file's name rather than one text."""
    value = data[first:last]
    if b"/" not in value:
        return _EXTENSION.search(value) is not None
    if data[first - 1 : first] in (b".", b":", b"/") or value.count(b"/") > len(value) // 6:
        return True
    return any(is_word(section) for section in value.split(b"/"))


def place_of(data: bytes, first: int, last: int) -> Place:
    """What stands around data[first:last]."""
    before, after = _line_around(data, first, last)
    match = _BESIDE.search(before) if before else None
    if match is None:
        return Place(before, after)
    closing, separator = match.group(2) or b"", (match.group(3) or b"").strip()
    if separator == b"," and not closing:  # another argument, not a name
        return Place(before, after)
    name = (match.group(1) or b"").decode("latin-1")
    return Place(before, after, name, match.start(1), separator, match.group(4) or b"")


def _line_around(data: bytes, first: int, last: int) -> tuple[bytes, bytes]:
    """What stands before and behind data[first:last] on its line."""
    before, after = data[max(0, first - _BEFORE) : first], data[last : last + _AFTER]
    for end in _ENDS:
        before = before[before.rfind(end) + len(end) :] if end in before else before
        after = after[: after.find(end)] if end in after else after
    return before, after
