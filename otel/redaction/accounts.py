"""Counts what was exported, withheld and redacted, for processors and exporters."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from operator import is_
from typing import TypeVar

from sentry_filters import Counters
from sentry_filters.forking import after_fork_in_child

_Item = TypeVar("_Item")
_log = logging.getLogger("sentry_filters")


class Accounts:
    """Counts what becomes of the items of one signal, where there are counters.

    Args:
        signal: What is counted.
        counters: Where it is counted.
    """

    def __init__(self, signal: str, counters: Counters | None) -> None:
        self._signal = signal
        self._counters = counters
        self._warned = False

    def count(self, outcome: str, *labels: str, by: int = 1) -> None:
        """Count what became of `by` items; see `Counters.saw`."""
        if self._counters is not None and by:
            self._counters.saw(self._signal, outcome, *labels, by=by)

    def count_exported(self, number: int) -> None:
        """Count items that were handed on."""
        self.count("exported", by=number)

    def count_redaction(self, kind: str) -> None:
        """Count a secret of this kind that was replaced."""
        if self._counters is not None:
            self._counters.add("redactions", self._signal, kind)

    def withhold(self, cause: str, error: BaseException | None = None) -> None:
        """Count an item that is withheld; the first one is logged at WARNING, without its payload."""
        self.count("withheld", cause)
        if not self._warned:
            self._warned = True
            reason = cause if error is None else type(error).__name__
            _log.warning(
                "sentry-filters: a %s is withheld (%s); later ones are not logged", self._signal, reason
            )

    def clean_each(self, items: Sequence[_Item], clean: Callable[[_Item], _Item]) -> Sequence[_Item]:
        """Return the items cleaned, the same sequence where all are clean; one that cannot be is withheld."""
        cleaned = []
        for item in items:
            try:
                cleaned.append(clean(item))
            except Exception as error:  # noqa: BLE001 - fail closed: this item is withheld, the others are not
                self.withhold("fault", error)
        return unless_same(items, cleaned)


def unless_same(items: Sequence[_Item], cleaned: Sequence[_Item]) -> Sequence[_Item]:
    """Return `items` itself where `cleaned` holds the identical objects, else `cleaned`."""
    return items if len(items) == len(cleaned) and all(map(is_, items, cleaned)) else cleaned


class Tally:
    """Counts calls of `tick`, and hands over what came together since the last time. Thread-safe, fork-safe.

    What is taken back may have been handed over: then one of those that come next is not counted, since
    counters never go down.

    Args:
        settle: Called with the number of new ticks, where there are any.
    """

    def __init__(self, settle: Callable[[int], None]) -> None:
        self._hand_over = settle
        self._settled = self._taken_back = 0
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    def settle(self) -> None:
        """Hand over what came together."""
        with self._lock:
            total = self.tick()
            new, self._settled = total - self._settled, total + 1
            untrue = min(new, self._taken_back)
            self._taken_back -= untrue
        if new > untrue:
            self._hand_over(new - untrue)

    def take_back(self) -> None:
        """Take one tick back."""
        with self._lock:
            self._taken_back += 1

    def _start_afresh(self) -> None:
        # A child counts its own work. A tick is one step of a C iterator: atomic; it returns the ones before.
        # Re-entrant: a finalizer may take one back at any moment.
        self._lock = threading.RLock()
        self.tick = itertools.count().__next__
        self._settled = self._taken_back = 0
