"""Credentials that became known at run time, in every spelling in which they may travel."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final
from urllib.parse import quote, quote_plus

from sentry_filters.forking import after_fork_in_child
from sentry_filters.redaction.text.needles import Needles
from sentry_filters.redaction.text.ranges import Range

_FORGOTTEN_AFTER = 24 * 60 * 60.0  # seconds since it was last seen
_SHORTEST, _LONGEST = 8, 64 * 1024  # bytes; shorter values occur by chance in harmless text
_SAME_IN_ALL = re.compile(rb"[A-Za-z0-9_.~\-]+")  # as URLs, forms and JSON spell it


class Origin(IntEnum):
    """How a credential became known: the higher, the more it matters."""

    FOREIGN = 0  # sent to a third party
    OWN = 1  # sent to a host of ours
    SESSION = 2  # of a session that was begun or renewed
    REGISTERED = 3  # by the application


# Those that were last seen. What the application registers stays: this bound is for defects only.
_AT_MOST: Final = {
    Origin.FOREIGN: 1_000,
    Origin.OWN: 10_000,
    Origin.SESSION: 10_000,
    Origin.REGISTERED: 100_000,
}
_SEEN: Final = (Origin.FOREIGN, Origin.OWN)  # forgotten with time


class LiveCredentials:
    """A bounded, thread-safe memory of credentials. Readers search without locking.

    None takes the place of one of another origin, and what was registered is not forgotten with time. A new
    one is only noted: its spellings are made by whoever searches next.
    """

    def __init__(self) -> None:
        self._until = {origin: OrderedDict[bytes, float]() for origin in Origin}
        self._temporary: list[bytes] = []
        self._needles = Needles()
        self._changes: deque[tuple[bytes, bool]] = deque()  # what was added (True) or forgotten, in order
        self._is_changing = False
        self._lock = threading.RLock()
        self._next_expiry = float("inf")
        self.generation = 0
        after_fork_in_child(self._begin_anew)

    def register(self, value: str | bytes, origin: Origin = Origin.REGISTERED) -> bool:
        """Remember `value`; return whether it is new. What is too short, or not text, is ignored."""
        secret = _as_bytes(value)
        if secret is None:
            return False
        until = time.monotonic() + _FORGOTTEN_AFTER
        with self._lock:
            known = next((each for each in Origin if secret in self._until[each]), None)
            if known is not None:
                del self._until[known][secret]
                origin = max(origin, known)
            self._until[origin][secret] = until
            if known is None:
                self._changes.append((secret, True))
                self.generation += 1  # afterwards: what is judged without it is of the old generation
            if origin in _SEEN:
                self._next_expiry = min(self._next_expiry, until)
            if len(self._until[origin]) > _AT_MOST[origin]:
                self._changes.append((self._until[origin].popitem(last=False)[0], False))
        return known is None

    @contextmanager
    def temporary(self, value: str) -> Iterator[None]:
        """Remember `value` during the block, beside the others: none of them is forgotten for it."""
        secret = value.encode()
        with self._lock:
            self._temporary.append(secret)
            self._changes.append((secret, True))
            self.generation += 1
        try:
            yield
        finally:
            with self._lock:
                self._temporary.remove(secret)
                self._changes.append((secret, False))

    def ranges(self, data: bytes) -> Iterator[Range]:
        """Where they occur in `data`, whole or cut."""
        if self._changes or time.monotonic() >= self._next_expiry:
            self._catch_up()
        needles = self._needles
        if not needles:
            return
        for start, end, kind in needles.places(data):
            yield Range(start, end, kind)

    def occur_in(self, data: bytes) -> bool:
        """Whether one of them occurs in `data`."""
        return next(self.ranges(data), None) is not None

    def _begin_anew(self) -> None:
        """In a forked child: another thread may have held the lock, or have been in mid-change."""
        self._lock = threading.RLock()
        if self._is_changing:
            self._is_changing = False
            self._needles = Needles()
            known = (secret for each in self._until.values() for secret in each)
            self._changes = deque((secret, True) for secret in (*known, *self._temporary))

    def _forget(self, now: float) -> None:
        """Forget what was not seen for long."""
        seen = [self._until[origin] for origin in _SEEN]
        for remembered in seen:
            while remembered and next(iter(remembered.values())) <= now:
                self._changes.append((remembered.popitem(last=False)[0], False))
        self._next_expiry = min((next(iter(each.values())) for each in seen if each), default=float("inf"))

    def _catch_up(self) -> None:
        with self._lock:
            if self._is_changing:  # a finalizer, or a signal's handler, in the middle of it
                return
            self._is_changing = True
            try:
                self._forget(time.monotonic())
                while self._changes:
                    try:
                        self._change(*self._changes[0])
                    finally:
                        self._changes.popleft()  # only now: who finds nothing here relies on it
                self._needles.settle()
            finally:
                self._is_changing = False

    def _change(self, secret: bytes, is_added: bool) -> None:  # noqa: FBT001 - an item of the queue
        plain, encoded = set(_spellings(secret)), set(_encoded(secret))
        if is_added:
            for needle in plain:
                self._needles.add(needle)
            for needle in encoded - plain:
                self._needles.add(needle, cut=False)
        else:
            for needle in plain | encoded:
                self._needles.remove(needle)


def _as_bytes(value: object) -> bytes | None:
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if not isinstance(value, bytes):
        return None
    value = value.strip()
    return value if _SHORTEST <= len(value) <= _LONGEST else None


def _spellings(secret: bytes) -> Iterator[bytes]:
    yield secret
    if _SAME_IN_ALL.fullmatch(secret) is None:
        yield quote(secret, safe="").encode()
        yield quote(secret, safe="/").encode()
        yield quote_plus(secret).encode()
        text = secret.decode("utf-8", "replace")
        yield json.dumps(text)[1:-1].encode()
        yield json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "replace")


def _encoded(secret: bytes) -> Iterator[bytes]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            yield _aligned(encode, secret, shift)


def _aligned(encode: Callable[[bytes], bytes], secret: bytes, shift: int) -> bytes:
    """The characters of the base64 of `secret` that do not depend on what surrounds it there."""
    encoded = encode(b"\0" * shift + secret)
    first = (shift * 8 + 5) // 6
    last = (shift + len(secret)) * 8 // 6
    return encoded[first:last]
