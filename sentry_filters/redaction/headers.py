"""What goes from the value of an Authorization or a Cookie header, and what may stay."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentry_filters.redaction.plausible import is_placeholder, looks_random

__all__ = ["authorization_pieces", "cookie_pieces", "scheme_end"]

_SCHEME = re.compile(
    r"(?i)\s*(?:bearer|basic|token|key|api-?key|api-?token|jwt|oauth|negotiate|ssws|apikey|genie-?key|bot|splunk"
    r"|snowflake|private-token|(?P<many>digest|hawk|mac|signature|aws4-hmac-sha256|aws|credential|ntlm))\s+"
)
_OTHER_SCHEME = re.compile(r"\s*[A-Za-z][\w\-]{1,24}\s+([^\s,;]+)")
_PAIR = re.compile(r"([^=;,\s\"']+)=(\"?)([^;\s\"'\\]+)")
_ATTRIBUTES = frozenset(
    ("path", "domain", "expires", "max-age", "samesite", "priority", "version", "comment")
)


def scheme_end(value: str) -> int:
    """Where the credential begins in an Authorization header's value."""
    scheme = _SCHEME.match(value)
    return scheme.end() if scheme else 0


def authorization_pieces(value: str) -> Iterator[tuple[int, int]]:
    """The pieces of an Authorization header's value that go: what follows the scheme."""
    scheme = _SCHEME.match(value)
    start = scheme.end() if scheme else len(value) - len(value.lstrip())
    rest = value[start:]
    if scheme is not None and scheme["many"]:
        length = len(rest.rstrip())
    else:
        length = len(rest) - len(rest.lstrip("".join(set(rest) - set(" \t,;\r\n"))))
    credential = rest[:length]
    if not credential or is_placeholder(credential):
        return
    if scheme is not None or looks_random(credential, least=8, ids=True):
        yield start, start + length
    elif length == len(rest.rstrip()):
        if len(credential) >= 16:
            yield start, start + length
    elif (other := _OTHER_SCHEME.match(value)) and looks_random(other[1], least=8, ids=True):
        yield other.span(1)  # else a word may be prose: "Authorization: failed for …"


def cookie_pieces(value: str) -> Iterator[tuple[int, int]]:
    """The pieces of a Cookie or Set-Cookie header's value that go: every cookie's value."""
    for pair in _PAIR.finditer(value):
        if pair[1].lower() not in _ATTRIBUTES and not is_placeholder(pair[3]):
            yield pair.span(3)
