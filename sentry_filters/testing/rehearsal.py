"""One check of a guard: its reports are recognised without consequences, what it sends is judged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sentry_filters.core import Policy
from sentry_filters.evidence import Failure, conventions, stated_tags
from sentry_filters.forking import after_fork_in_child
from sentry_filters.guard import SessionGuard, parts_of
from sentry_filters.testing.canaries import Canaries
from sentry_filters.testing.report import CheckedPath, Outcome, fault_at

__all__ = ["Rehearsal"]

_THIRD_PARTY = "sentry-filters check"


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

    def trial(self, edge: str, canaries: Canaries) -> Trial:
        """Return what judges the canaries and reports of an edge, whose name its paths begin with."""
        return Trial(edge, canaries, self._guard.policies, self.asked)


class Trial:
    """Judges what an edge's check sent by what would have left.

    Args:
        edge: What its paths begin with.
        canaries: What is sent.
        policies: Whose providers' failures should be dropped.
        asked: The rehearsal's.
    """

    def __init__(
        self, edge: str, canaries: Canaries, policies: Sequence[Policy], asked: list[tuple[str, bool]]
    ) -> None:
        self.captured: list[tuple[str, bytes]] = []
        """Through which sink each thing would have left, and its bytes; the edge's stand-ins fill it."""
        self._edge = edge
        self._canaries = canaries
        self._policies = policies
        self._asked = asked
        self._earlier: frozenset[str] = frozenset()

    def path(self, name: str, outcome: Outcome, detail: str = "") -> CheckedPath:
        """Return a path of this edge."""
        return CheckedPath(path=f"{self._edge} {name}", outcome=outcome, detail=detail)

    def covered(self, name: str, *, arrived: bool, detail: str = "") -> CheckedPath:
        """Return a path without a leak: clean, with this detail, only where something arrived."""
        if arrived:
            return self.path(name, Outcome.CLEAN, detail)
        return self.path(name, Outcome.NOT_COVERED, "nothing arrived")

    def sent(self, name: str, send: Callable[[], object]) -> Iterator[CheckedPath]:
        """Send canaries; yield a fault if that raises, which says nothing about the edge's other paths."""
        self._earlier = frozenset(self._canaries.places)
        self.captured.clear()
        try:
            send()
        except Exception as error:  # noqa: BLE001 - a check must never break the application that it checks
            yield fault_at(f"{self._edge} {name}", error)

    def places(self, *, withheld: bool = False) -> Iterator[CheckedPath]:
        """Judge each place of what was sent last.

        Args:
            withheld: Whether nothing of it should arrive.
        """
        for place in self._canaries.places:
            if place not in self._earlier:
                yield self._judged(place, withheld=withheld)

    def keeps_others(self, name: str, signal: str, report: Callable[[dict[str, str]], object]) -> CheckedPath:
        """Judge whether a third party's failure is kept, which has no consequences whichever guard is asked.

        Args:
            name: What the path's name begins with.
            signal: What the guard is asked about.
            report: Reports a failed call by its five tags.
        """
        name = f"{name}: a third party's 401 is kept"
        self._report(self._policies[0], _THIRD_PARTY, report)
        if any(self.asked_about(signal)):
            return self.path(name, Outcome.WRONG, "it would be dropped")
        return self.covered(name, arrived=bool(self.captured))

    def drops_own(
        self,
        name: str,
        report: Callable[[dict[str, str]], object],
        *,
        untried: tuple[Outcome, str] | None = None,
        wrong: str = "it would be exported through {sinks}",
    ) -> CheckedPath:
        """Judge whether a failure of each policy's own provider is dropped.

        Args:
            name: What the path's name begins with.
            report: Reports a failed call by its five tags.
            untried: Outcome and detail where it is known without a report, or must not be reported.
            wrong: The detail where it would leave.
        """
        name = f"{name}: your own session's 401 is dropped"
        if untried is not None:
            return self.path(name, *untried)
        for policy in self._policies:
            self._report(policy, policy.provider, report)
            if self.captured:
                return self.path(name, Outcome.WRONG, wrong.format(sinks=_names(self.captured)))
            if not any(drop for _, drop in self._asked):
                return self.covered(name, arrived=False)
        return self.covered(name, arrived=True)

    def asked_about(self, signal: str) -> list[bool]:
        """Return whether the guard would drop it, for each time it was asked since the last report."""
        return [drop for asked, drop in self._asked if asked == signal]

    def _judged(self, place: str, *, withheld: bool) -> CheckedPath:
        leaks = [(sink, data) for sink, data in self.captured if place in self._canaries.leaked_in(data)]
        if leaks:
            return self.path(place, Outcome.LEAK, f"through {_names(leaks)}")
        arrived = any(place in self._canaries.arrived_in(data) for _, data in self.captured)
        if withheld and not arrived:
            return self.path(place, Outcome.CLEAN, "withheld")
        return self.covered(place, arrived=arrived)

    def _report(self, policy: Policy, provider: str, report: Callable[[dict[str, str]], object]) -> None:
        operation = next(iter(policy.operations), "chat_completions")
        status = next(iter(policy.statuses), conventions.SESSION_STATUSES[0])
        self._asked.clear()
        self.captured.clear()
        report(stated_tags(policy.domain, operation, provider, status))


def _names(captured: Sequence[tuple[str, bytes]]) -> str:
    return ", ".join(sorted({sink for sink, _ in captured}))


class _OneAtATime:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        after_fork_in_child(self._reset_lock)

    def _reset_lock(self) -> None:
        self.lock = threading.RLock()
