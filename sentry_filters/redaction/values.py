"""What goes of one value in a structure, given what its key says."""

from __future__ import annotations

from sentry_filters.redaction.headers import cookie_pieces, scheme_end
from sentry_filters.redaction.keys import Sensitivity
from sentry_filters.redaction.marks import REDACTED
from sentry_filters.redaction.plausible import goes, is_placeholder, is_plain

__all__ = ["number_goes", "parts_that_go"]

_SMALLEST_NUMBER = 1000  # a smaller one is a count or a flag, whatever the key says


def parts_that_go(text: str, verdict: Sensitivity, *, doubtful: bool = False) -> list[tuple[int, int]]:
    """The parts of `text` that go under a key judged so; `doubtful` says that it may be no key of this text."""
    if verdict is Sensitivity.HARMLESS or not text or is_placeholder(text):
        return []
    if verdict is Sensitivity.HEADER:
        start = scheme_end(text)
        return [] if is_placeholder(text[start:]) else [(start, len(text))]
    if verdict is Sensitivity.COOKIE and ("=" in text or REDACTED in text):
        return list(cookie_pieces(text))
    if verdict <= Sensitivity.LIKELY and (REDACTED in text or not goes(text, verdict)):
        return []  # what an earlier pass has left is not judged anew
    return [] if doubtful and is_plain(text) else [(0, len(text))]


def number_goes(number: object, verdict: Sensitivity) -> bool:
    """Whether a number goes: a password may be one, a token count is none."""
    return verdict is Sensitivity.PASSWORD and type(number) is int and abs(number) >= _SMALLEST_NUMBER
