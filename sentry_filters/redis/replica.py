"""What one process knows of the shared state: merged in any order, it comes to the same everywhere."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict

from sentry_filters.redis.messages import EVERYONE, UNNAMED, Expiry, Renewal

_MOST = 10_000


class Replica:
    """The latest expiry and the latest renewal of every session. Thread-safe, re-entrant; waits for nothing.

    Of two renewals of a session the later counts, of two expiries the one after the later renewal. So no
    order of arrival, no loss of the server's memory and no time without it changes where all end up.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._expiries: OrderedDict[str, Expiry] = OrderedDict()
        self._renewals: OrderedDict[str, Renewal] = OrderedDict()
        self._unsettled: set[str] = set()
        self._published: OrderedDict[str, None] = OrderedDict()

    def found(self, expiry: Expiry) -> None:
        """Take note of this process's own expiry; it is written again only when its publisher is settled."""
        with self._lock:
            self._unsettled.add(expiry.event.id)
        self.merge_expiry(expiry)

    def settled(self, expiry: Expiry) -> None:
        """Note that this expiry was claimed, or published without a claim."""
        with self._lock:
            self._unsettled.discard(expiry.event.id)

    def published(self, expiry: Expiry) -> bool:
        """Note that this process publishes an expiry; say whether it is the first time."""
        with self._lock:
            is_first = expiry.event.id not in self._published
            self._published[expiry.event.id] = None
            while len(self._published) > _MOST:
                self._published.popitem(last=False)
            return is_first

    def is_over(self, expiry: Expiry) -> bool:
        """Say whether a renewal that is known here has ended an expiry."""
        with self._lock:
            renewals = (self._renewals.get(name) for name in (EVERYONE, expiry.name))
            return any(one is not None and one.stamp > expiry.after for one in renewals)

    def merge_expiry(self, expiry: Expiry, *, settled: bool = False) -> bool:
        """Take note of an expiry; say whether that was news.

        Args:
            expiry: The expiry.
            settled: Whether it is the one that was published, where others were found as well.
        """
        with self._lock:
            known = self._expiries.get(expiry.name)
            if known is not None:
                if known.after > expiry.after or (known.after == expiry.after and not settled):
                    return False
                if known.event.id == expiry.event.id:
                    expiry = dataclasses.replace(expiry, event=known.event)
            self._expiries[expiry.name] = expiry
            self._expiries.move_to_end(expiry.name)
            while len(self._expiries) > _MOST:
                self._expiries.popitem(last=False)
            return True

    def merge_renewal(self, renewal: Renewal) -> bool:
        """Take note of a renewal; say whether that was news: a later one, or the credential of the latest."""
        with self._lock:
            known = self._renewals.get(renewal.name)
            if known is not None:
                named = renewal.credential is not None and known.credential is None
                if known.stamp > renewal.stamp or (known.stamp == renewal.stamp and not named):
                    return False
            self._renewals[renewal.name] = renewal
            self._renewals.move_to_end(renewal.name)
            while len(self._renewals) > _MOST:
                oldest = next(name for name in self._renewals if name not in (EVERYONE, UNNAMED))
                del self._renewals[oldest]
            return True

    def everything(self) -> tuple[list[Expiry], list[Renewal]]:
        """Return all that is known and settled."""
        with self._lock:
            expiries = [one for one in self._expiries.values() if one.event.id not in self._unsettled]
            return expiries, list(self._renewals.values())

    def start_afresh(self) -> None:
        """Begin again with the same knowledge, in a forked child."""
        self._lock = threading.RLock()
        self._unsettled = set()  # the parent's claims are the parent's
