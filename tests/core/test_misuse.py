"""What only looks like the user's state: dead sessions that nobody renews, and sign-ins that do not help."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import pytest

from sentry_filters import AuditRecord, EventBus, ExpiryRecord, Policy, SessionExpired, SessionGuard
from sentry_filters.core import misuse
from sentry_filters.core.lifecycle import transition
from sentry_filters.core.misuse import Misuse
from sentry_filters.core.session import Standing
from sentry_filters.core.states import (
    NEVER,
    UNRENEWED_AFTER,
    UNRENEWED_CALLS,
    Asked,
    Due,
    Expiry,
    Failed,
    Process,
    Published,
    Renewal,
    Rule,
    Session,
    State,
    Step,
)
from sentry_filters.guard import parts_of
from tests.support.expiries import expiry
from tests.support.tokens import jwt

HOST = "api.example.ai"
RULE = Rule(scope="process", renewal_grace=30.0, healing_window=0.0, expiry_id=lambda _name, _after: "e")
DEAD = Expiry("e", 0, failed=100.0, found=100.0, told=True, handled=True)
LATE = 100.0 + UNRENEWED_AFTER


def failing(times: int, until: float, *, rule: Rule = RULE, dead: Expiry = DEAD) -> list[Step]:
    """Return what came of calls with a dead session, of which the last fails at this moment."""
    steps = [Step(State(Process(), Session("a", expiry=dead)))]
    for number in range(times):
        now = until if number == times - 1 else 101.0 + number
        steps.append(transition(rule, steps[-1].state, Failed(now=now, reported=now, began=now)))
    return steps[1:]


# Nobody renews


def test_after_a_minute_of_calls_the_audit_knows_once_that_nobody_renews() -> None:
    *before, last = failing(UNRENEWED_CALLS, LATE)
    asked = transition(RULE, last.state, Asked(listening=True))
    again = transition(RULE, asked.state, Failed(now=LATE + 1, reported=LATE + 1, began=LATE + 1))

    assert {step.due for step in before} == {()}
    assert (last.due, asked.due, again.due) == ((Due.UNRENEWED,), (), ())


@pytest.mark.parametrize(
    ("times", "until", "rule"),
    [
        pytest.param(UNRENEWED_CALLS - 1, LATE, RULE, id="few calls: a user who is about to sign in"),
        pytest.param(UNRENEWED_CALLS, LATE - 0.1, RULE, id="sooner"),
        pytest.param(UNRENEWED_CALLS, LATE, replace(RULE, healing_window=1.0), id="told later"),
        pytest.param(
            UNRENEWED_CALLS,
            LATE,
            Rule.of(Policy(provider="OpenHuman", mode="shadow"), RULE.expiry_id),
            id="shadow mode, where nobody is told",
        ),
    ],
)
def test_before_that_it_is_the_users_state(times: int, until: float, rule: Rule) -> None:
    assert {step.due for step in failing(times, until, rule=rule)} == {()}


def test_reports_of_one_call_count_once() -> None:
    state = State(Process(), Session("a", expiry=DEAD))
    for _ in range(UNRENEWED_CALLS + 1):
        step = transition(RULE, state, Failed(now=LATE, reported=LATE, began=101.0))
        state = step.state

        assert step.due == ()


def test_who_failed_before_it_was_known_that_he_was_told_has_failed() -> None:
    state = State(Process(), Session("a", expiry=replace(DEAD, handled=None)))
    for handled in (False, True):
        state = transition(RULE, state, Published("e", handled=handled)).state

    assert transition(RULE, state, Asked(listening=True)).due == (Due.SHOW,)


# Handlers that raise


async def _raises_later(_event: SessionExpired) -> None:
    raise KeyError("no such dialogue")


def _raises(_event: SessionExpired) -> None:
    raise KeyError("no such dialogue")


@pytest.mark.parametrize("handler", [_raises, _raises_later])
def test_the_bus_says_which_event_a_handler_failed_with(handler: Callable[[SessionExpired], object]) -> None:
    unhandled: list[SessionExpired] = []
    bus = EventBus()
    bus.on_unhandled(unhandled.append)
    bus.subscribe(handler)
    event = expiry()

    assert bus.publish(event)
    assert bus.flush()
    assert unhandled == [event]


def test_an_observer_that_fails_is_nobody_who_would_have_acted() -> None:
    unhandled: list[SessionExpired] = []
    bus = EventBus()
    bus.on_unhandled(unhandled.append)
    bus.observe(_raises)
    bus.subscribe(lambda _event: None)

    assert bus.publish(expiry())
    assert bus.flush()
    assert unhandled == []


@pytest.mark.parametrize(("mode", "handled"), [("enforce", [True, False]), ("shadow", [])])
def test_the_audit_hears_that_a_handler_failed(mode: str, handled: list[bool]) -> None:
    records: list[AuditRecord] = []
    policy = Policy(provider="OpenHuman", hosts={HOST}, mode=mode)  # type: ignore[arg-type]
    guard = SessionGuard(policy, _raises)
    parts_of(guard).trail.observe(records.append)

    guard.report("x", operation="chat", provider="OpenHuman", status=401)
    guard.bus.flush()
    guard.close()

    told = [record.handled for record in records if isinstance(record, ExpiryRecord)]
    assert sorted(told, reverse=True) == handled


# Sign-ins in vain


@dataclass
class Clock:
    now: float = 1_000.0

    def monotonic(self) -> float:
        return self.now


@contextmanager
def found(clock: Clock) -> Iterator[tuple[Misuse, list[str]]]:
    violations: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(misuse, "time", clock)
        yield Misuse(lambda *labels: violations.append("/".join(labels))), violations


def ended(name: str, *, renewed_at: float | None, succeeded: float = NEVER) -> Step:
    """Return what came of the first failure of a session that was renewed then."""
    renewal = Renewal() if renewed_at is None else Renewal(1, renewed_at)
    dead = Expiry(name, renewal.stamp, 0.0, 0.0, told=True)
    state = State(Process(renewal), Session("a", expiry=dead), succeeded=succeeded)
    return Step(state, standing=Standing.FIRST)


def test_the_third_sign_in_in_vain_is_found() -> None:
    clock = Clock()
    with found(clock) as (seen, violations):
        for number in range(5):
            clock.now += 30.0
            seen.failed(ended(f"e{number}", renewed_at=clock.now - 10.0))

        assert violations == ["violations/renewed_in_vain"] * 3


@pytest.mark.parametrize(
    ("step", "pause"),
    [
        pytest.param(partial(ended, renewed_at=None), 0.0, id="no sign-in before"),
        pytest.param(partial(ended, renewed_at=939.0), 0.0, id="a sign-in that held for a minute"),
        pytest.param(partial(ended, renewed_at=990.0, succeeded=990.0), 0.0, id="a success between"),
        pytest.param(None, 301.0, id="one now and then"),
    ],
)
def test_other_ends_are_the_users_state(step: Callable[[str], Step] | None, pause: float) -> None:
    clock = Clock()
    with found(clock) as (seen, violations):
        for _ in range(4):
            seen.failed(ended("e", renewed_at=clock.now - 10.0) if step is None else step("e"))
            clock.now += pause

        assert violations == []


def test_a_minute_is_soon_and_ten_are_a_while() -> None:
    clock = Clock()
    with found(clock) as (seen, violations):
        for number in range(3):
            clock.now += 300.0
            seen.failed(ended(f"e{number}", renewed_at=clock.now - 60.0))

        assert violations == ["violations/renewed_in_vain"]


def test_repeats_are_no_further_ends() -> None:
    with found(Clock()) as (seen, violations):
        for _ in range(5):
            seen.failed(replace(ended("e", renewed_at=999.0), standing=Standing.REPEAT))

        assert violations == []


# A gate that is closed to a session that lives


def test_another_credential_that_works_for_a_minute_behind_a_closed_gate_is_found_once() -> None:
    clock = Clock()
    with found(clock) as (seen, violations):
        seen.worked_beside("e", 999.0)
        clock.now += 59.9
        seen.worked_beside("e", 1_059.0)
        seen.worked_beside("f", 1_059.0)
        assert violations == []

        clock.now += 0.1
        seen.worked_beside("e", 999.5)  # one that began before
        seen.worked_beside("e", 1_000.0)
        seen.worked_beside(None, 1_060.0)  # while no expiry runs
        assert violations == []

        for _ in range(2):
            seen.worked_beside("e", 1_060.0)
        assert violations == ["violations/working_session_halted"]


# A clock that is wrong


@pytest.mark.parametrize(
    ("refuses", "seconds", "times"), [(True, -6.0, 1), (True, -1.0, 0), (True, 60.0, 0), (False, -6.0, 0)]
)
def test_a_credential_that_has_ended_when_it_is_new_is_found(
    refuses: bool, seconds: float, times: int
) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={HOST}, refuse_expired=refuses))
    guard.session_renewed(jwt(seconds, seed=str(time.time())))
    guard.close()

    assert guard.counters.get("violations", "expired_at_renewal") == times


@pytest.mark.parametrize(("mode", "times"), [("enforce", 1), ("shadow", 0)])
def test_a_gate_that_nobody_asks_halts_nobody(mode: str, times: int) -> None:
    clock = Clock(time.monotonic())
    policy = Policy(provider="OpenHuman", hosts={HOST}, mode=mode)  # type: ignore[arg-type]
    guard = SessionGuard(policy, lambda _event: None)
    lifecycle = parts_of(guard).lifecycle
    with found(clock):
        guard.report("x", operation="chat", provider="OpenHuman", status=401)
        lifecycle.succeeded("b" * 12, clock.now)
        clock.now += 61.0
        lifecycle.succeeded("b" * 12, clock.now)
    guard.close()

    assert guard.counters.get("violations", "working_session_halted") == times
