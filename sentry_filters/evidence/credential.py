"""A call's credential: whether one was sent, and its fingerprint, which cannot be reversed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import secrets
from collections.abc import Collection, Iterable

_BEARER = "bearer "
# What clients send whose variable was never set.
_NOTHING = frozenset({"", "none", "null", "undefined"})
_LONGEST_JWT = 16_384


class Fingerprinter:
    """Names credentials by a keyed BLAKE2 hash; neither credential nor key is ever shown.

    Args:
        key: Up to 64 bytes; random per process by default, so that names mean nothing elsewhere.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = secrets.token_bytes(32) if key is None else key

    def of(self, credential: str) -> str:
        """Return 12 hex digits for `credential`, with or without `Bearer ` before it."""
        token = token_of(credential).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(token, key=self._key, digest_size=6).hexdigest()


def token_of(credential: str) -> str:
    """Return the token of an `Authorization` value: without `Bearer `, in any case, and outer blanks."""
    credential = credential.strip()
    if credential[: len(_BEARER)].lower() == _BEARER:
        return credential[len(_BEARER) :].strip()
    return "" if credential.lower() == _BEARER.strip() else credential


def expires_at(credential: str) -> float | None:
    """Return when a JWT says that it ends (`exp`, RFC 7519), in seconds since the epoch; never raises.

    Nobody has verified it: it may refuse work, and says nothing about a failure. None for what is no JWT or
    has no such claim.
    """
    parts = token_of(credential).split(".")
    if len(parts) != 3 or len(parts[1]) > _LONGEST_JWT:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        exp = float(claims["exp"]) if type(claims["exp"]) in (int, float) else math.nan
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, binascii.Error):
        return None
    return exp if math.isfinite(exp) else None


class Credentials:
    """Finds the credential among a request's headers.

    Args:
        names: Headers that carry it, in lower case; the first that has one counts.
        fingerprinter: Names it.
    """

    def __init__(self, names: Collection[str], fingerprinter: Fingerprinter) -> None:
        self._names = tuple(names)
        self._fingerprinter = fingerprinter

    def token(self, headers: Iterable[tuple[str, str]]) -> str | None:
        """Return the credential that these headers carry, None where they carry none.

        Args:
            headers: Names in lower case, and values.
        """
        sent = {name: token_of(value) for name, value in headers if name in self._names}
        tokens = (sent.get(name, "") for name in self._names)
        return next((token for token in tokens if token.lower() not in _NOTHING), None)

    def session(self, token: str | None) -> str | None:
        """Return the fingerprint of a credential, None for none."""
        return None if token is None else self._fingerprinter.of(token)
