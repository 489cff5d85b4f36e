"""Growth with sessions: what a decision and the gate cost while ever more users' sessions have expired."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from sentry_filters import Failure, Policy, Response, SessionExpiredError, SessionGuard
from sentry_filters.guard import parts_of
from tests.bench.edge import listening_guard
from tests.bench.table import Row, rated
from tests.bench.timing import Act, Effort, side_by_side

TITLE = 'Growth with sessions, scope="session": the ratio is over one session that has expired'

_CALLS = 100
_POLICY = Policy(provider="OpenHuman", scope="session")


def rows(effort: Effort) -> Iterator[Row]:
    """Measure repeats, first failures and the gate; a guard remembers the latest 10,000 sessions."""
    counts = [number for number in (1, 10, 1_000, 100_000) if number <= effort.items]
    guards = {number: _knowing(number) for number in counts}
    for what, act in (
        ("decide, a repeat", _repeat),
        ("decide, a session's first failure", _first),
        ("gate.check, a session in order", _open),
        ("gate.check, an expired session refused", _refused),
    ):
        # The last of them are known whatever was forgotten.
        acts = {
            f"{number:,}": Act(act(guards[number], number), guards[number].bus.flush, _CALLS)
            for number in counts
        }
        taken = side_by_side(acts, effort)
        for name, samples in taken.items():
            known = f"{name} session{'s' if name != '1' else ''}"
            yield rated(f"{what}, {known} expired", samples.median, samples.p99, samples.over(taken["1"]))
    for guard in guards.values():
        guard.close()


def _knowing(number: int) -> SessionGuard:
    guard = listening_guard(_POLICY)
    for one in range(number):
        parts_of(guard).decider.decide("report", (_failure(f"{one:012x}"),))
        if one % _CALLS == 0:
            guard.bus.flush()  # the handler's queue is bounded
    return guard


def _repeat(guard: SessionGuard, number: int) -> Callable[[object], None]:
    failure = (_failure(f"{number - 1:012x}"),)

    def work(_flushed: object) -> None:
        for _ in range(_CALLS):
            parts_of(guard).decider.decide("report", failure)

    return work


def _first(guard: SessionGuard, number: int) -> Callable[[object], None]:
    numbers = itertools.count(number)

    def work(_flushed: object) -> None:
        for _ in range(_CALLS):
            parts_of(guard).decider.decide("report", (_failure(f"{next(numbers):012x}"),))

    return work


def _open(guard: SessionGuard, _number: int) -> Callable[[object], None]:
    def work(_flushed: object) -> None:
        for _ in range(_CALLS):
            guard.gate.check(session="f" * 12)

    return work


def _refused(guard: SessionGuard, number: int) -> Callable[[object], None]:
    session = f"{number - 1:012x}"
    parts_of(guard).decider.decide("report", (_failure(session),))

    def work(_flushed: object) -> None:
        for _ in range(_CALLS):
            try:
                guard.gate.check(session=session)
            except SessionExpiredError:
                continue
            raise AssertionError("the gate is open")

    return work


def _failure(session: str) -> Failure:
    response = Response(body_known=True, status=401, session=session, operation="chat", recorded=True)
    return Failure(
        domain="llm_provider",
        provider="OpenHuman",
        operation="chat",
        status=401,
        failure="non_2xx",
        response=response,
    )
