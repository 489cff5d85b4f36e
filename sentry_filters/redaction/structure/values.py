"""What goes of one value in a structure, given what its key says."""

from __future__ import annotations

from sentry_filters.redaction.findings import REDACTED
from sentry_filters.redaction.keys import Sensitivity
from sentry_filters.redaction.text import (
    cookie_pieces,
    credential_start,
    goes,
    is_placeholder,
    is_plain,
    is_version,
)

_SMALLEST_NUMBER = 1000  # a smaller one is a count or a flag, whatever the key says
_MARK = REDACTED.encode()


def parts_that_go(value: bytes, verdict: Sensitivity, *, doubtful: bool = False) -> list[tuple[int, int]]:
    """The parts of a text that go under a key judged so; `doubtful`: it may be no key of this text."""
    if verdict is Sensitivity.HARMLESS or not value or is_placeholder(value):
        return []
    if verdict is Sensitivity.HEADER:
        start = credential_start(value)
        return [] if is_placeholder(value[start:]) else [(start, len(value))]
    if verdict is Sensitivity.COOKIE and (b"=" in value or _MARK in value):
        return list(cookie_pieces(value))
    if verdict <= Sensitivity.LIKELY and (_MARK in value or not goes(value, verdict)):
        return []  # what an earlier pass has left is not judged anew
    if verdict is Sensitivity.SECRET and is_version(value):
        return []
    return [] if doubtful and (_MARK in value or is_plain(value)) else [(0, len(value))]


def number_goes(number: object, verdict: Sensitivity) -> bool:
    """Whether a number goes: a password may be one, a token count is none."""
    return verdict is Sensitivity.PASSWORD and type(number) is int and abs(number) >= _SMALLEST_NUMBER
