"""What goes from the value of an Authorization or a Cookie header, and what may stay."""

from __future__ import annotations

from collections.abc import Iterator

from sentry_filters.redaction.regex import compile_regex
from sentry_filters.redaction.text.plausible import is_placeholder, looks_random

_SCHEME = compile_regex(
    r"(?i)\s*(?:bearer|basic|token|key|api-?key|api-?token|jwt|oauth|negotiate|ssws|genie-?key|bot|splunk|snowflake"
    r"|private-token|(digest|hawk|mac|signature|aws4-hmac-sha256|aws|credential|ntlm))\s+"
)
_OTHER_SCHEME = compile_regex(r"\s*[A-Za-z][\w\-]{1,24}\s+([^\s,;]+)")
_WORD = compile_regex(r"[^\s,;]+", captures=False)
_PAIR = compile_regex(r"([^=;,\s\"']+)=\"?([^;\s\"'\\]+)")
_UNMARKED = compile_regex(r"=\"?[^;\s\"'\\\[]", captures=False)
_ATTRIBUTES = frozenset((b"path", b"domain", b"expires", b"max-age", b"samesite", b"priority", b"version"))
_LEAST = 8
_LEAST_ALONE = 16  # without a scheme the word may be prose: "Authorization: failed for …"


def credential_start(value: bytes) -> int:
    """Where the credential begins in an Authorization header's value."""
    scheme = _SCHEME.match(value)
    return scheme.end() if scheme is not None else 0


def authorization_pieces(value: bytes) -> Iterator[tuple[int, int]]:
    """The pieces of what follows `Authorization:` in a text that go; more may follow than the header."""
    scheme = _SCHEME.match(value)
    start = scheme.end() if scheme is not None else len(value) - len(value.lstrip())
    end = len(value.rstrip())
    word = _WORD.match(value, start)
    if word is None or is_placeholder(value[start : word.end()]):
        return
    if scheme is not None:
        yield start, end if scheme.start(1) >= 0 else word.end()
    elif looks_random(value[start : word.end()], least=_LEAST, ids=True):
        yield start, word.end()
    elif word.end() == end:
        if end - start >= _LEAST_ALONE:
            yield start, end
    elif (other := _OTHER_SCHEME.match(value)) is not None:
        credential = value[other.start(1) : other.end(1)]
        if looks_random(credential, least=_LEAST, ids=True):
            yield other.start(1), other.end(1)


def cookie_pieces(value: bytes) -> Iterator[tuple[int, int]]:
    """The pieces of a Cookie or Set-Cookie header's value that go: every cookie's value."""
    if _UNMARKED.search(value) is None:  # cheap to tell: else a long row of marks costs as much as secrets
        return
    for pair in _PAIR.finditer(value):
        name, cookie = pair.group(1) or b"", pair.group(2) or b""
        if name.lower() not in _ATTRIBUTES and not is_placeholder(cookie):
            yield pair.start(2), pair.end(2)
