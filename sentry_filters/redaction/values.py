"""What goes of one value in a structure, given what its key says."""

from __future__ import annotations

from .headers import authorization_pieces, cookie_pieces, scheme_end
from .keys import Sensitivity
from .plausible import goes, is_placeholder, is_plain

__all__ = ["number_goes", "parts_that_go"]

_SMALLEST_NUMBER = 1000  # a smaller one is a count or a flag, whatever the key says


def parts_that_go(text: str, verdict: Sensitivity, *, paired: bool = False) -> list[tuple[int, int]]:
    """The parts of `text` that go under a key judged so; `paired` says that the key is only the item before."""
    if verdict is Sensitivity.HARMLESS or not text or is_placeholder(text):
        return []
    if verdict is Sensitivity.HEADER:
        start = scheme_end(text)
        return [] if is_placeholder(text[start:]) else list(authorization_pieces(text)) or [(start, len(text))]
    if verdict is Sensitivity.COOKIE:
        return list(cookie_pieces(text)) or ([] if "=" in text else [(0, len(text))])
    if verdict is not Sensitivity.CONTENT:
        if paired and is_plain(text):
            return []
        if not goes(text, verdict):
            return []
    return [(0, len(text))]


def number_goes(number: object, verdict: Sensitivity) -> bool:
    """Whether a number goes: a password may be one, a token count is none."""
    return verdict is Sensitivity.PASSWORD and type(number) is int and abs(number) >= _SMALLEST_NUMBER
