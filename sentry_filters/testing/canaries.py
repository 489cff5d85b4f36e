"""Canaries: harmless secrets, one for each place, so that a leak names its place."""

from __future__ import annotations

import secrets
import string
from typing import NamedTuple

_LETTERS = string.ascii_letters + string.digits
_MARK = "CANARY"


class _Kind(NamedTuple):
    """A kind of secret: what stands before it, how it begins, and how much of it is random."""

    before: str
    begins: str
    length: int

    def made(self) -> tuple[str, str]:
        """Return a text with a new secret, and that secret."""
        secret = self.begins + _MARK + _random(self.length)
        return self.before + secret, secret


# In parts, so that no scanner takes this line for a key.
_PROVIDER_KEY = _Kind("", "sk-" + "proj-", 42)
_KINDS = (
    _Kind("Authorization: Bearer ", "", 34),
    _PROVIDER_KEY,
    # {"alg": "HS256", "typ": "JWT"} and {"sub": "canary"}, signed.
    _Kind("eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAiY2FuYXJ5In0.", "", 37),
    _Kind("password=", "", 18),
)


class Canaries:
    """Makes a canary for each place, and finds it again in what was exported.

    A canary is made at run time, gives access to nothing, and contains CANARY. Beside it is a harmless word
    for the same place: the secret must not arrive, but the word must, or else nothing is known about the
    place. The kinds take turns: bearer token, provider's key, signed token, password. Each comes with the
    live credential, which a redactor only knows if it is registered.

    Args:
        live: Whether `live` is registered with the redactor, so that texts may contain it.
    """

    def __init__(self, *, live: bool = True) -> None:
        self.run = secrets.token_hex(16)
        """Names this set; usable as a trace id."""
        self.live = _MARK + _random(26)
        """The live credential; register it before anything is sent."""
        self._with_live = live
        self._secrets: dict[str, list[str]] = {}

    def afresh(self) -> Canaries:
        """Return a set without places, of the same run and live credential."""
        canaries = Canaries(live=self._with_live)
        canaries.run, canaries.live = self.run, self.live
        return canaries

    @property
    def places(self) -> tuple[str, ...]:
        """All places so far, in order."""
        return tuple(self._secrets)

    def at(self, place: str) -> str:
        """Return a text with the word and the secrets of this place."""
        text, secret = _KINDS[len(self._secrets) % len(_KINDS)].made()
        self._secrets.setdefault(place, []).append(secret)
        if not self._with_live:
            return f"{self.word(place)} {text}"
        live = f"{self.live}{self._number(place):03d}"
        self._secrets[place].append(live)
        return f"{self.word(place)} {text} {live}"

    def key_at(self, place: str) -> str:
        """Return the secret alone, for a place that allows no blanks: a name, a key, an entry of a header."""
        text, secret = _PROVIDER_KEY.made()
        self._secrets.setdefault(place, []).append(secret)
        return text

    def word(self, place: str) -> str:
        """Return the harmless word of this place."""
        return f"canary{self._number(place):03d}word"

    def leaked_in(self, data: bytes) -> frozenset[str]:
        """Return the places whose secrets are in `data`."""
        return frozenset(
            place for place, found in self._secrets.items() if any(one.encode() in data for one in found)
        )

    def arrived_in(self, data: bytes) -> frozenset[str]:
        """Return the places whose word is in `data`."""
        return frozenset(place for place in self._secrets if self.word(place).encode() in data)

    def _number(self, place: str) -> int:
        self._secrets.setdefault(place, [])
        return list(self._secrets).index(place)


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
