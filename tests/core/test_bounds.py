"""What is remembered has an end: the oldest goes first, and what is left is as it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sentry_filters import (
    Policy,
    RenewalRecord,
    SchedulerGate,
    SessionExpiredError,
    SessionGuard,
    Verdict,
)
from sentry_filters.core import Decision, gate_ends, misuse, renewals
from sentry_filters.core import gate as gates
from sentry_filters.core.discovery import Discoveries
from sentry_filters.core.misuse import Misuse
from sentry_filters.core.refusals import refusal_of
from sentry_filters.evidence import SpanMemory
from sentry_filters.guard import parts_of
from tests.support.expiries import expiry
from tests.support.tokens import jwt
from tests.support.waiting import eventually


@contextmanager
def guard_of(**policy: Any) -> Iterator[SessionGuard]:
    made = Policy(provider="OpenHuman", hosts={"api.example.ai"}, **policy)
    guard = SessionGuard(made, lambda event: None)
    yield guard
    guard.close()


def test_of_too_many_closed_sessions_the_oldest_is_open_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "_MOST_SESSIONS", 2)
    gate = SchedulerGate("session")
    first, again = expiry("a"), expiry("a")
    for event in (first, expiry("b"), again, expiry("c")):
        gate.close(event)

    assert [gate.is_open_for(name) for name in "abc"] == [False, True, False], "b was closed longest ago"
    assert gate.closed == 2


def test_of_too_many_foreseen_ends_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_ends, "_MOST_SESSIONS", 2)
    gate = SchedulerGate("session")
    for name in "abc":
        gate.ends_at(time.time() - 1.0, expiry(name))

    assert [gate.is_open_for(name) for name in "abc"] == [True, False, False]


def test_of_too_many_halted_sessions_the_latest_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misuse, "_MOST_EXPIRIES", 1)
    monkeypatch.setattr(misuse, "SOON", 0.0)
    found: list[tuple[str, str]] = []
    watch = Misuse(lambda *what: found.append(what))
    watch.worked_beside("first", time.monotonic())
    for _ in range(2):
        watch.worked_beside("first", time.monotonic() + 1.0)
    assert found == [("violations", "working_session_halted")], "once for each expiry"

    watch.worked_beside("second", time.monotonic())
    watch.worked_beside("first", time.monotonic() + 1.0)
    assert len(found) == 2, "the first one was forgotten"


def test_of_too_many_spans_the_oldest_is_forgotten() -> None:
    memory = SpanMemory[str](size=2)
    for span, value in (("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")):
        memory.put("trace", span, value)

    assert [memory.get("trace", span) for span in "abc"] == ["3", None, "4"]
    assert len(memory) == 2
    memory.forget("trace", "a")
    assert memory.get("trace", "a") is None
    memory.forget("trace", "a")  # nothing is left to forget, which is fine


def test_what_a_span_said_is_forgotten_in_time() -> None:
    memory = SpanMemory[str](seconds=0.0)
    memory.put("trace", "a", "old")

    assert eventually(lambda: memory.get("trace", "a") is None)
    assert SpanMemory[str]().get("trace", "a") is None


def test_of_too_many_lapsed_credentials_the_latest_are_named_in_the_audit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(renewals, "_MOST_SESSIONS", 1)
    with guard_of(scope="session", refuse_expired=True) as guard:
        records: list[RenewalRecord] = []
        parts_of(guard).trail.observe(
            lambda one: records.append(one) if isinstance(one, RenewalRecord) else None
        )
        ids: dict[str, str] = {}

        def fails() -> str:
            raise OSError("unreachable")

        for seed in ("first", "second"):
            token = jwt(-60.0, seed=seed)
            with pytest.raises(SessionExpiredError) as refused:
                guard.auth(fails, iter([token]).__next__).token()
            ids[seed] = refused.value.event.id
        guard.session_renewed()

    assert ids["second"] in {expired for one in records for expired in one.expiries}


@pytest.mark.parametrize("links", [3, 200])
def test_a_job_has_failed_of_an_expiry_that_is_near(links: int) -> None:
    class Refused(Exception):
        pass

    gate = SchedulerGate()
    found, error, event = Discoveries(gate), Refused(), expiry()
    decision = Decision(Verdict(drop=True, reason="x"), expiry=event.id)
    assert found.remember(error, decision, None) is None, "nobody knows this expiry"
    assert found.of(error) is None
    gate.close(event)
    assert found.remember(error, decision, None) is event

    job: BaseException = error
    for number in range(links):
        above = Refused(number)
        above.__cause__ = job
        job = above
    assert found.of(job) is (event if links < 64 else None)


@pytest.mark.parametrize("links", [3, 2_000])
def test_a_refusal_of_the_gate_is_found_where_it_is_near(links: int) -> None:
    error: BaseException = SessionExpiredError(expiry())
    for _ in range(links):
        above = RuntimeError(f"job: {error}" if links < 10 else str(error))
        above.__cause__ = error
        error = above

    assert (refusal_of(error) is None) is (links > 10)
    with guard_of() as guard:
        decider = parts_of(guard).decider
        assert decider.refused("event", error, lambda _: ()) is (links < 10), "else it may hide anything"


@pytest.mark.parametrize("leaves", [2, 2_000])
def test_a_group_of_refusals_is_one_where_it_can_be_looked_through(leaves: int) -> None:
    group = ExceptionGroup("jobs", [SessionExpiredError(expiry()) for _ in range(leaves)])

    assert (refusal_of(group) is None) is (leaves > 2)
