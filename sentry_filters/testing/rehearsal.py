"""Decisions that decide nothing: what a check reports is recognised, and has no consequences."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from sentry_filters.core import UNRELATED, Decision, Observed, recognise
from sentry_filters.evidence import Failure
from sentry_filters.forking import after_fork_in_child
from sentry_filters.guard import SessionGuard
from sentry_filters.testing.swapped import swapped

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
        self._decider = guard._decider

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the rehearsal for the time of the block."""
        with ExitStack() as stack:
            stack.enter_context(self._guard.part(_OneAtATime).lock)
            # Only now: another check's rehearsal may have been held until this moment.
            self._usual_decide, self._usual_note = self._decider.decide, self._decider.note
            stack.enter_context(self._guard.counters.set_aside())
            stack.enter_context(self._guard._hooks.deciding_by(self.decide))
            stack.enter_context(swapped(self._decider, "decide", self.decide))
            stack.enter_context(swapped(self._decider, "note", self.note))
            yield

    def decide(self, signal: str, failures: Sequence[Failure], **options: bool) -> Decision:
        """As `Decider.decide`, but only recognise what is the check's own."""
        if not self._is_ours(failures):
            return self._usual_decide(signal, failures, **options)
        verdicts = [recognise(failure, self._guard.policy) for failure in failures]
        verdict = next((one for one in verdicts if not one.drop), verdicts[0] if verdicts else UNRELATED)
        self.asked.append((signal, verdict.drop))
        return Decision(verdict)

    def note(
        self,
        signal: str,
        verdict: str,
        reason: str,
        failure: Failure | None,
        observed: Observed | None = None,
    ) -> None:
        """As `Decider.note`, but forget what is the check's own."""
        if not self._is_ours(() if failure is None else (failure,)):
            self._usual_note(signal, verdict, reason, failure, observed)

    def _is_ours(self, failures: Sequence[Failure]) -> bool:
        return threading.get_ident() == self._thread or any(one.trace_id == self._run for one in failures)


class _OneAtATime:
    """Checks of one guard wait for each other."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        after_fork_in_child(self._reset_lock)

    def _reset_lock(self) -> None:
        self.lock = threading.RLock()
