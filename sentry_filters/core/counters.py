"""How often what was decided: the numbers behind every dashboard, cheap enough for the healthy path."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from sentry_filters.forking import after_fork_in_child

LABELS: Mapping[str, tuple[str, ...]] = {
    "seen": ("signal",),
    "exported": ("signal",),
    "dropped": ("signal",),
    "demoted": ("signal",),
    "decisions": ("signal", "verdict", "reason"),
    "redactions": ("signal", "kind"),
    "withheld": ("signal", "cause"),
    "session_expired": ("source", "confirmed", "handled"),
    "renewals": (),
    "refused": (),
    "violations": ("invariant",),
    "audit_lost": ("cause",),
    "shared": ("event",),
    "faults": ("place",),
}
"""The counters and the names of their labels; label values come from small fixed sets."""


class Counters:
    """Named counts with labels. Thread-safe; lives as long as its guard.

    For each signal `seen = exported + dropped + demoted + withheld`. What the application's own hooks or
    Sentry's sampling take away before the boundary was never seen.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, ...]] = Counter()
        self._lock = threading.Lock()
        self._settlers: tuple[Callable[[], None], ...] = ()
        self._aside: ContextVar[bool] = ContextVar("sentry_filters_aside", default=False)
        after_fork_in_child(self._reset)

    def settle_with(self, settle: Callable[[], None]) -> None:
        """Call `settle` before counts are read: an edge that counts on its own, for speed, adds them then."""
        self._settlers = (*self._settlers, settle)

    def add(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to the counter `name` under `labels`, in the order of `LABELS[name]`."""
        if self._aside.get():
            return
        key = (name, *labels)
        with self._lock:
            self._counts[key] += by

    def declare(self, name: str, *labels: str) -> None:
        """Let a series exist at 0: a monitoring system sees the first count as a change only then."""
        self.add(name, *labels, by=0)

    def saw(self, signal: str, outcome: str, *labels: str, by: int = 1) -> None:
        """Count what was seen and what became of it, in one step: no reader finds one without the other.

        Args:
            signal: What kind of thing it is.
            outcome: `exported`, `dropped`, `demoted` or `withheld`.
            labels: The outcome's further labels.
            by: How many.
        """
        if self._aside.get():
            return
        with self._lock:
            self._counts["seen", signal] += by
            self._counts[outcome, signal, *labels] += by

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Count nothing of what this context does in the block: a rehearsal is no traffic."""
        with self._counting(aside=True):
            yield

    @contextmanager
    def taken_back(self) -> Iterator[None]:
        """Count again in the block, within one of `set_aside`."""
        with self._counting(aside=False):
            yield

    def get(self, name: str, *labels: str) -> int:
        """Return the sum of `name` over all labels that begin with `labels`."""
        prefix = (name, *labels)
        self._settle()
        with self._lock:
            return sum(count for key, count in self._counts.items() if key[: len(prefix)] == prefix)

    def snapshot(self) -> dict[tuple[str, ...], int]:
        """Return all counts, keyed by name and label values."""
        self._settle()
        with self._lock:
            return dict(self._counts)

    @contextmanager
    def _counting(self, *, aside: bool) -> Iterator[None]:
        token = self._aside.set(aside)
        try:
            yield
        finally:
            self._aside.reset(token)

    def _settle(self) -> None:
        for settle in self._settlers:
            settle()

    def _reset(self) -> None:
        # A child counts its own work; the parent's numbers stay with the parent.
        self._lock = threading.Lock()
        self._counts = Counter(dict.fromkeys(self._counts, 0))
