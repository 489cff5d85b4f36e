"""What is secret in the value of an Authorization or a Cookie header, and what may stay."""

from __future__ import annotations

from collections.abc import Iterator

from sentry_filters.redaction.regex import deferred_regex
from sentry_filters.redaction.text.plausible import is_placeholder, looks_random

_SCHEME = deferred_regex(
    r"(?i)\s*(?:bearer|basic|token|key|api-?key|api-?token|jwt|oauth|negotiate|ssws|genie-?key|bot|splunk|snowflake"
    r"|private-token|(digest|hawk|mac|signature|aws4-hmac-sha256|aws|credential|ntlm))\s+"
)
_OTHER_SCHEME = deferred_regex(r"\s*[A-Za-z][\w\-]{1,24}\s+([^\s,;]+)")
_WORD = deferred_regex(r"[^\s,;]+", captures=False)
_PAIR = deferred_regex(r"([^=;,\s\"']+)=\"?([^;\s\"'\\]+)")
_UNMARKED = deferred_regex(r"=\"?[^;\s\"'\\\[]", captures=False)
_ATTRIBUTES = frozenset((b"path", b"domain", b"expires", b"max-age", b"samesite", b"priority", b"version"))
_MOST_COOKIES = 180  # RFC 6265 asks browsers for 50 a domain, and they keep up to 180
_LEAST = 8
_LEAST_ALONE = 16  # without a scheme the word may be prose: "Authorization: failed for …"


def credential_start(value: bytes) -> int:
    """Where the credential begins in an Authorization header's value."""
    scheme = _SCHEME.match(value)
    return scheme.end() if scheme is not None else 0


def authorization_parts(value: bytes) -> list[tuple[int, int]]:
    """The secret parts of what follows `Authorization:` in a text; more may follow than the header."""
    scheme = _SCHEME.match(value)
    start = scheme.end() if scheme is not None else len(value) - len(value.lstrip())
    word = _WORD.match(value, start)
    if word is None or is_placeholder(value[start : word.end()]):
        return []
    if scheme is None:
        return _parts_without_scheme(value, start, word.end())
    has_parameters = scheme.start(1) >= 0
    return [(start, len(value.rstrip()) if has_parameters else word.end())]


def _parts_without_scheme(value: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """The secret parts where the first word, value[start:end], is not a known scheme's name."""
    if looks_random(value[start:end], least=_LEAST, ids=True):
        return [(start, end)]
    if end == len(value.rstrip()):
        return [(start, end)] if end - start >= _LEAST_ALONE else []
    other = _OTHER_SCHEME.match(value)
    if other is None or not looks_random(value[other.start(1) : other.end(1)], least=_LEAST, ids=True):
        return []
    return [(other.start(1), other.end(1))]


def cookie_parts(value: bytes) -> Iterator[tuple[int, int]]:
    """The secret parts of a Cookie or Set-Cookie header's value: every cookie's value.

    Beyond as many cookies as a browser keeps for a site, the rest is one part.
    """
    if _UNMARKED.search(value) is None:  # cheap: else a long row of marks costs as much as secrets
        return
    for number, pair in enumerate(_PAIR.finditer(value)):
        if number == _MOST_COOKIES:
            yield pair.start(1), len(value)
            return
        name, cookie = pair.group(1) or b"", pair.group(2) or b""
        if name.lower() not in _ATTRIBUTES and not is_placeholder(cookie):
            yield pair.start(2), pair.end(2)
