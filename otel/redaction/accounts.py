"""Counts what an exporter redacts and withholds, and tells once that something was withheld."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from sentry_filters import Counters
from sentry_filters.forking import after_fork_in_child

_Item = TypeVar("_Item")

_log = logging.getLogger("sentry_filters")


class Withheld:
    """Counts, where there are counters; logs the first thing withheld at WARNING, without its payload.

    Args:
        signal: What is withheld.
        counters: Where it is counted.
    """

    def __init__(self, signal: str, counters: Counters | None) -> None:
        self._signal = signal
        self._counters = counters
        self._told = False

    def tell(self, cause: str, error: BaseException | None) -> None:
        """Note that one item was withheld."""
        if self._counters is not None:
            self._counters.saw(self._signal, "withheld", cause)
        if not self._told:
            self._told = True
            reason = cause if error is None else type(error).__name__
            _log.warning("a %s is withheld (%s); further ones are not logged", self._signal, reason)

    def count_exported(self, number: int) -> None:
        """Note that `number` items were handed on."""
        if self._counters is not None and number:
            self._counters.saw(self._signal, "exported", by=number)

    def count_redaction(self, kind: str) -> None:
        """Note that a secret of this kind was replaced."""
        if self._counters is not None:
            self._counters.add("redactions", self._signal, kind)


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


def each(items: Sequence[_Item], clean: Callable[[_Item], _Item], withheld: Withheld) -> Sequence[_Item]:
    """Return the items cleaned, without those that cannot be: these are withheld, and counted."""
    passed = []
    for item in items:
        try:
            passed.append(clean(item))
        except Exception as error:  # noqa: BLE001 - fail closed: this item is withheld, the others go
            withheld.tell("fault", error)
    return passed
