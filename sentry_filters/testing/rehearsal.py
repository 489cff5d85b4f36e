"""Decisions that decide nothing: what a check reports is recognised, and has no consequences."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sentry_filters.evidence import Failure
from sentry_filters.forking import after_fork_in_child
from sentry_filters.guard import SessionGuard, parts_of

__all__ = ["Rehearsal"]


class Rehearsal:
    """Makes a guard's decisions about a check's own reports free of consequences.

    Nothing is published, no gate is closed, no session is remembered, nothing is counted or written to the
    ledger. A report is the check's own where it comes on the check's thread or carries its trace id; what
    other threads report meanwhile is decided as always.

    Args:
        guard: Whose decisions.
        run: The check's trace id.
    """

    def __init__(self, guard: SessionGuard, run: str) -> None:
        self.asked: list[tuple[str, bool]] = []
        """Each signal that this guard was asked about in the rehearsal, and whether it would drop it."""
        self._guard = guard
        self._run = run
        self._thread = threading.get_ident()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the rehearsal for the time of the block; checks of one guard wait for each other."""
        parts = parts_of(self._guard)
        turn: _OneAtATime = parts.extensions.setdefault("testing.turn", _OneAtATime())
        with turn.lock, self._guard.counters.paused(), parts.decider.rehearsing(self):
            yield

    def owns(self, failures: Sequence[Failure]) -> bool:
        """Say whether the check made this report."""
        return threading.get_ident() == self._thread or any(one.trace_id == self._run for one in failures)

    def decided(self, signal: str, *, drop: bool) -> None:
        """Take note of what would have been decided."""
        self.asked.append((signal, drop))


class _OneAtATime:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        after_fork_in_child(self._reset_lock)

    def _reset_lock(self) -> None:
        self.lock = threading.RLock()
