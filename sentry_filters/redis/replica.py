"""What one process knows of the shared state: merged in any order, it comes to the same everywhere."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict

from sentry_filters.redis.messages import EVERYONE, UNNAMED, Expiry, Renewal

_MOST = 10_000


class Replica:
    """The latest expiry and the latest renewal of every session. Thread-safe; waits for nothing.

    Of two renewals of a session the later counts, of two expiries the one after the later renewal, and an
    expiry is over when a renewal is later than the one it followed. So no order of arrival, no loss of the
    server's memory and no time without it changes where the processes end up.

    Args:
        scope: `Policy.scope`.
    """

    def __init__(self, scope: str) -> None:
        self._scope = scope
        self._lock = threading.Lock()
        self._expiries: OrderedDict[str, Expiry] = OrderedDict()
        self._renewals: OrderedDict[str, int] = OrderedDict()
        self._unsettled: set[str] = set()

    def latest_renewal(self, name: str) -> tuple[int, int]:
        """Return the latest renewal of this very session, and the latest that ends its expiries, or 0."""
        with self._lock:
            return self._renewals.get(name, 0), self._ending(name)

    def found(self, expiry: Expiry) -> None:
        """Take note of this process's own expiry; it is written again only when its publisher is settled."""
        with self._lock:
            self._unsettled.add(expiry.event.id)
        self.merge_expiry(expiry)

    def settled(self, expiry: Expiry) -> None:
        """Note that this expiry was claimed, or published without a claim."""
        with self._lock:
            self._unsettled.discard(expiry.event.id)

    def merge_expiry(self, expiry: Expiry) -> bool:
        """Take note of an expiry; say whether that was news."""
        with self._lock:
            known = self._expiries.get(expiry.name)
            if known is not None:
                if (known.own, known.after) >= (expiry.own, expiry.after):
                    return False
                if known.event.id == expiry.event.id:
                    expiry = dataclasses.replace(expiry, event=known.event)
            self._expiries[expiry.name] = expiry
            self._expiries.move_to_end(expiry.name)
            while len(self._expiries) > _MOST:
                self._expiries.popitem(last=False)
            return True

    def merge_renewal(self, renewal: Renewal) -> bool:
        """Take note of a renewal; say whether that was news."""
        with self._lock:
            if self._renewals.get(renewal.name, 0) >= renewal.stamp:
                return False
            self._renewals[renewal.name] = renewal.stamp
            self._renewals.move_to_end(renewal.name)
            while len(self._renewals) > _MOST:
                oldest = next(name for name in self._renewals if name not in (EVERYONE, UNNAMED))
                del self._renewals[oldest]
            return True

    def is_running(self, expiry: Expiry) -> bool:
        """Say whether no renewal has ended it."""
        with self._lock:
            return expiry.after >= self._ending(expiry.name)

    def renewals_of(self, session: str | None, stamp: int) -> tuple[Renewal, ...]:
        """Return what a sign-in with this credential renews, by `Policy.scope`."""
        if session is None:
            names: tuple[str, ...] = (EVERYONE,)
        else:
            names = (session, EVERYONE if self._scope == "process" else UNNAMED)
        return tuple(Renewal(name=name, stamp=stamp) for name in names)

    def everything(self) -> tuple[list[Expiry], list[Renewal]]:
        """Return all that is known and settled."""
        with self._lock:
            renewals = [Renewal(name=name, stamp=stamp) for name, stamp in self._renewals.items()]
            expiries = [one for one in self._expiries.values() if one.event.id not in self._unsettled]
            return expiries, renewals

    def start_afresh(self) -> None:
        """Begin again with the same knowledge, in a forked child."""
        self._lock = threading.Lock()
        self._unsettled = set()  # the parent's claims are the parent's

    def _ending(self, name: str) -> int:
        everyone = self._renewals.get(EVERYONE, 0)
        # A credential's own renewal ends its own expiry in either scope.
        return max(everyone, self._renewals.get(name, 0))
