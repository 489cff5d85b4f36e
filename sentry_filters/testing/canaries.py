"""Canaries: harmless secrets, one for each place, so that a leak names its place."""

from __future__ import annotations

import base64
import json
import secrets
import string
from collections.abc import Callable

_LETTERS = string.ascii_letters + string.digits
_MARK = "CANARY"


class Canaries:
    """Makes a canary for each place and finds them again in what left.

    A canary is made at run time, opens nothing and contains CANARY. Beside it is a harmless word of the same
    place: the secret must not arrive, the word has to, else nothing is known about the place. The kinds take
    turns: bearer token, provider's key, signed token, password; with each comes the live credential, which
    only a redactor knows that it is registered with.

    Args:
        live: Whether `live` is registered with the redactor, so that texts may hold it.
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
        kind = _KINDS[len(self._secrets) % len(_KINDS)]
        text, secret = kind()
        if not self._with_live:
            self._note(place, secret)
            return f"{self.word(place)} {text}"
        live = f"{self.live}{self._number(place):03d}"
        self._note(place, secret, live)
        return f"{self.word(place)} {text} {live}"

    def key_at(self, place: str) -> str:
        """Return a secret alone, for a place that takes no blanks: a name, a key, an entry of a header."""
        text, secret = _provider_key()
        self._note(place, secret)
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

    def _note(self, place: str, *found: str) -> None:
        self._secrets.setdefault(place, []).extend(found)

    def _number(self, place: str) -> int:
        self._secrets.setdefault(place, [])
        return list(self._secrets).index(place)


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _bearer() -> tuple[str, str]:
    token = _MARK + _random(34)
    return f"Authorization: Bearer {token}", token


def _provider_key() -> tuple[str, str]:
    # In parts, so that no scanner takes this line for a key.
    key = "sk-" + "proj-" + _MARK + _random(42)
    return key, key


def _signed_token() -> tuple[str, str]:
    signature = _MARK + _random(37)
    return f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part({'sub': 'canary'})}.{signature}", signature


def _password() -> tuple[str, str]:
    value = _MARK + _random(18)
    return f"password={value}", value


def _part(claims: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


_KINDS: tuple[Callable[[], tuple[str, str]], ...] = (_bearer, _provider_key, _signed_token, _password)
