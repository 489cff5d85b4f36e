"""A count for the healthy path: no lock and no look-up until somebody wants to know."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

from sentry_filters.forking import after_fork_in_child


class Tally:
    """Counts calls of `tick`, and hands over what came together since the last time. Thread-safe, fork-safe.

    Args:
        settle: Called with the number of new ticks, where there are any.
    """

    def __init__(self, settle: Callable[[int], None]) -> None:
        self._hand_over = settle
        self._lock = threading.Lock()
        self._settled = 0
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    def settle(self) -> None:
        """Hand over what came together."""
        with self._lock:
            total = self.tick()
            new, self._settled = total - self._settled, total + 1
        if new:
            self._hand_over(new)

    def _start_afresh(self) -> None:
        # A child counts its own work. A tick is one step of a C iterator: atomic; it returns the ones before.
        self._lock = threading.Lock()
        self.tick = itertools.count().__next__
        self._settled = 0
