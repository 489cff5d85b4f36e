"""A credential's fingerprint: distinguishes sessions, and cannot be reversed."""

from __future__ import annotations

import hashlib
import secrets

_BEARER = "bearer "


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
    return credential
