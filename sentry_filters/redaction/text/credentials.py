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

from sentry_filters.forking import after_fork_in_child
from sentry_filters.redaction.text.ranges import Range

_AT_MOST = 64  # credentials; beyond that, the one that was registered longest ago is forgotten
_FORGOTTEN_AFTER = 24 * 60 * 60.0  # seconds since it was last registered
_SHORTEST, _LONGEST = 8, 64 * 1024  # bytes; shorter values occur by chance in harmless text


class LiveCredentials:
    """A bounded, thread-safe memory of credentials. Readers take a snapshot without locking."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._temporary: list[bytes] = []
        self._lock = threading.RLock()
        self._needles: tuple[bytes, ...] = ()
        self._next_expiry = float("inf")
        self.generation = 0
        after_fork_in_child(self._reset_lock)

    def register(self, value: str | bytes) -> bool:
        """Remember `value`; return whether it is new. What is too short, or not text, is ignored."""
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
    def temporary(self, value: str) -> Iterator[None]:
        """Remember `value` during the block, beside the others: none of them is forgotten for it."""
        secret = value.encode()
        with self._lock:
            self._temporary.append(secret)
            self._refresh(time.monotonic(), rebuild=True)
            self.generation += 1  # afterwards: what is judged by the old needles is of the old generation
        try:
            yield
        finally:
            with self._lock:
                self._temporary.remove(secret)
                self._refresh(time.monotonic(), rebuild=True)

    def _reset_lock(self) -> None:
        # Another thread may have held it while the process forked.
        self._lock = threading.RLock()

    def needles(self) -> tuple[bytes, ...]:
        """Every spelling of every credential that is still remembered, the longest first."""
        now = time.monotonic()
        if now >= self._next_expiry:
            with self._lock:
                self._refresh(now, rebuild=True)
        return self._needles

    def ranges(self, data: bytes) -> Iterator[Range]:
        """Where they occur in `data`."""
        for needle in self.needles():
            at = data.find(needle)
            while at >= 0:
                yield Range(at, at + len(needle), "registered")
                at = data.find(needle, at + len(needle))

    def occur_in(self, data: bytes) -> bool:
        """Whether one of them occurs in `data`."""
        needles = self.needles()
        return bool(needles) and any(needle in data for needle in needles)

    def _refresh(self, now: float, *, rebuild: bool) -> None:
        while self._until and next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
            rebuild = True
        self._next_expiry = next(iter(self._until.values()), float("inf"))
        if rebuild:
            secrets = (*self._until, *self._temporary)
            spellings = {needle for secret in secrets for needle in _spellings(secret)}
            self._needles = tuple(sorted(spellings, key=len, reverse=True))


def _as_bytes(value: object) -> bytes | None:
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if not isinstance(value, bytes):
        return None
    value = value.strip()
    return value if _SHORTEST <= len(value) <= _LONGEST else None


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
