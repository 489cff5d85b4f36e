"""Fake secrets, assembled at run time so that no scanner finds one in the repository."""

from __future__ import annotations

import hashlib
import string

_LETTERS = string.ascii_letters + string.digits


def fake(prefix: str, length: int, seed: str = "canary") -> str:
    """Return `prefix` and `length` letters and digits that look random but are the same in every run."""
    digits = hashlib.shake_128(f"{seed}{prefix}".encode()).digest(length)
    return prefix + "".join(_LETTERS[byte % len(_LETTERS)] for byte in digits)
