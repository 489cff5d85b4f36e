"""Credentials that became known at run time, in every spelling in which they may travel."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

from sentry_filters.redaction.forks import in_forked_children
from sentry_filters.redaction.text.ranges import Span

__all__ = ["LiveCredentials"]

_AT_MOST = 64  # credentials; the one that was not seen for longest goes first
_FORGOTTEN_AFTER = 24 * 60 * 60.0  # seconds since it was last registered
_LEAST = 8  # shorter values occur by chance in harmless text


class LiveCredentials:
    """A bounded, thread-safe memory of credentials. Readers take a snapshot without locking."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lent: list[bytes] = []
        self._lock = threading.RLock()
        self._needles: tuple[bytes, ...] = ()
        self._next_expiry = float("inf")
        self.generation = 0
        in_forked_children(self._start_afresh)

    def register(self, value: str | bytes) -> bool:
        """Remember `value`, and say whether it is new; what is too short, or no text, is ignored."""
        secret = _as_bytes(value)
        if secret is None:
            return False
        now = time.monotonic()
        with self._lock:
            known = secret in self._until
            self._until[secret] = now + _FORGOTTEN_AFTER
            self._until.move_to_end(secret)
            while len(self._until) > _AT_MOST:
                self._until.popitem(last=False)
                known = False
            self._refresh(now, rebuild=not known)
            self.generation += not known
            return not known

    @contextmanager
    def lent(self, value: str) -> Iterator[None]:
        """Remember `value` for the time of the block, beside the others: none of them goes for it."""
        secret = value.encode()
        with self._lock:
            self._lent.append(secret)
            self._refresh(time.monotonic(), rebuild=True)
            self.generation += 1  # afterwards: what is judged by the old needles is of the old generation
        try:
            yield
        finally:
            with self._lock:
                self._lent.remove(secret)
                self._refresh(time.monotonic(), rebuild=True)

    def _start_afresh(self) -> None:
        # Another thread may have held it while the process forked.
        self._lock = threading.RLock()

    def needles(self) -> tuple[bytes, ...]:
        """Every spelling of every credential that is still remembered, the longest first."""
        now = time.monotonic()
        if now >= self._next_expiry:
            with self._lock:
                self._refresh(now, rebuild=True)
        return self._needles

    def spans(self, data: bytes) -> Iterator[Span]:
        """Where one of them stands in `data`."""
        for needle in self.needles():
            at = data.find(needle)
            while at >= 0:
                yield Span(at, at + len(needle), "registered")
                at = data.find(needle, at + len(needle))

    def occur_in(self, data: bytes) -> bool:
        """Whether one of them stands in `data`."""
        needles = self.needles()
        return bool(needles) and any(needle in data for needle in needles)

    def _refresh(self, now: float, *, rebuild: bool) -> None:
        while self._until and next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
            rebuild = True
        self._next_expiry = next(iter(self._until.values()), float("inf"))
        if rebuild:
            spellings = {needle for secret in (*self._until, *self._lent) for needle in _spellings(secret)}
            self._needles = tuple(sorted(spellings, key=len, reverse=True))


def _as_bytes(value: object) -> bytes | None:
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if not isinstance(value, bytes):
        return None
    value = value.strip()
    return value if _LEAST <= len(value) <= 64 * 1024 else None


def _spellings(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield quote(secret, safe="").encode()
    yield quote(secret, safe="/").encode()
    yield quote_plus(secret).encode()
    text = secret.decode("utf-8", "replace")
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "replace")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            yield _aligned(encode, secret, shift)


def _aligned(encode: Callable[[bytes], bytes], secret: bytes, shift: int) -> bytes:
    """The characters of the base64 of `secret` that do not depend on what surrounds it there."""
    encoded = encode(b"\0" * shift + secret)
    first = (shift * 8 + 5) // 6
    last = (shift + len(secret)) * 8 // 6
    return encoded[first:last]
