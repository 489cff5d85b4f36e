"""Bytes of the fuzzer with secrets planted in them, and what is certainly harmless.

A control character stands for a secret: so none is in the kept inputs, and the fuzzer needs one byte for it.
"""

from __future__ import annotations

import json

from sentry_filters.redaction.catalogue import CATALOGUE
from tests.fuzz.strategies import CANARY
from tests.support.secrets import fake

KNOWN = fake("", 36, seed="known")
"""A credential to register: found wherever it stands."""
KNOWN_AT, CANARY_AT = b"\x1a", b"\x1c"

_PLAIN_WORDS = (
    "a", "about", "after", "again", "and", "answer", "at", "batch", "before", "begins", "blue", "both", "by",
    "city", "count", "day", "does", "each", "ended", "error", "failed", "file", "first", "for", "from",
    "green",
    "has", "in", "is", "job", "later", "line", "list", "long", "model", "more", "not", "of", "on", "or",
    "order",
    "page", "part", "queue", "red", "retry", "row", "second", "short", "slow", "step", "table", "the", "this",
    "timeout", "to", "two", "unit", "was", "week", "while", "with", "work", "year",
)  # fmt: skip
_BETWEEN = (" ", ", ", "\n", ". ")

WORDS = (
    KNOWN_AT, CANARY_AT, b"[REDACTED]", b"[WITHHELD]", b"password", b"token=", b"secret", b"api_key", b'":"',
    b"Authorization: ", b"Bearer ", b"Basic ", b"Cookie: ", b"Set-Cookie: ", b"-----BEGIN ",
    b" PRIVATE KEY-----",
    b"-----END ", b"://", b"user:pw@", b"\\u0073", b"\\/", b'\\"', b"&#61;", b"&equals;", b"\x1b[31m",
    b"\x1b[0m",
    b"...", "\N{HORIZONTAL ELLIPSIS}".encode(), b"\\u2026", b"${NAME}", b"{{ name }}", b"--token ",
    b"mysql -p",
    b'"name":', b'"value":', b"0f3a9c5e7b1d2f4a6c8e", b"0123456789abcdef0123456789abcdef", b"%20", b"%3D",
    b"==",
    b"<key>", b"</key>", b"login(", b"'''", b"\0\0", b"\xed\xa0\x80", b"\r\n", b"secret is ", b"key_", b"401",
    *(kind.literal.encode() for kind in CATALOGUE if kind.literal),
)  # fmt: skip
"""What the grammars of redaction read: for the fuzzer to insert."""


def planted(data: bytes) -> str:
    """Return `data` as text, with secrets where it asks for them; what is not UTF-8 is surrogates."""
    text = data.decode("utf-8", "surrogateescape")
    return text.replace(KNOWN_AT.decode(), KNOWN).replace(CANARY_AT.decode(), f" {CANARY} ")


def planted_json(data: bytes) -> tuple[bytes, object] | None:
    """Return `data` with secrets, and the value that it is the JSON of; None where it is not JSON."""
    planted_data = data.replace(KNOWN_AT, KNOWN.encode()).replace(CANARY_AT, f" {CANARY} ".encode())
    try:
        return planted_data, json.loads(planted_data)
    except (ValueError, RecursionError):
        return None


def harmless(data: bytes) -> str:
    """Return a text of plain words, one for each byte."""
    return "".join(_PLAIN_WORDS[byte & 63] + _BETWEEN[byte >> 6] for byte in data)


assert len(_PLAIN_WORDS) == 64, len(_PLAIN_WORDS)
