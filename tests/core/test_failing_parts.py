"""A part that fails, of ours or of the application's: it is counted, and nobody else fails by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sentry_filters import (
    AuditRecord,
    DecisionRecord,
    ExpiryRecord,
    Failure,
    Policy,
    RefreshRefused,
    Response,
    SessionExpired,
    SessionExpiredError,
    SessionGuard,
)
from sentry_filters.core import Decision
from sentry_filters.evidence import Endpoint
from sentry_filters.guard import parts_of
from sentry_filters.testing.rehearsal import Rehearsal
from tests.support.expiries import expiry
from tests.support.secrets import fake

HOST = "api.example.ai"
KEY = fake("key-", 24)


@contextmanager
def guarding(
    handler: Callable[[SessionExpired], object] = lambda _: None, **policy: object
) -> Iterator[SessionGuard]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={HOST}, **policy), handler)  # type: ignore[arg-type]
    yield guard
    guard.close()


def written(guard: SessionGuard) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    parts_of(guard).trail.observe(records.append)
    return records


def fails(guard: SessionGuard, credential: str = "a", **fields: object) -> Decision:
    response = Response(
        body_known=True,
        status=401,
        endpoint=Endpoint(HOST, 443),
        path="/v1/chat/completions",
        session=guard.fingerprint(credential),
        began=time.monotonic(),
    )
    failure = Failure(provider="OpenHuman", response=response, **fields)  # type: ignore[arg-type]
    return parts_of(guard).decider.decide("event", (failure,))


def broken(*_arguments: object, **_options: object) -> None:
    raise LookupError("a secret")


def test_an_audit_that_fails_changes_no_decision(caplog: pytest.LogCaptureFixture) -> None:
    with guarding() as guard:
        parts_of(guard).trail.observe(broken)
        records = written(guard)

        assert fails(guard).drop
        assert not guard.gate.is_open
        assert len(records) == 2, "observers after it are told"
        assert guard.counters.get("faults", "audit") == 2
    assert "LookupError" in caplog.text
    assert "a secret" not in caplog.text


def test_a_gate_that_cannot_close_keeps_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    with guarding() as guard:
        monkeypatch.setattr(guard.gate, "close", broken)
        decision = fails(guard)

        assert (decision.drop, decision.verdict.reason) == (False, "fault")
        assert guard.counters.get("violations", "drop_without_event") == 1
        monkeypatch.undo()
        assert fails(guard).drop
        assert not guard.gate.is_open, "the next failure closes it"


def test_a_bus_that_fails_keeps_the_report_and_the_audit_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    with guarding() as guard:
        monkeypatch.setattr(guard.bus, "publish", broken)

        assert not fails(guard).drop
        assert guard.counters.get("violations", "drop_without_event") == 1


def test_a_reason_and_a_label_that_cannot_be_redacted_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[SessionExpired] = []
    with guarding(told.append) as guard:
        records = written(guard)
        monkeypatch.setattr(guard.redactor, "redact", broken)
        fails(guard, text=f"refused {KEY}", trace_id=f"no hex digits {KEY}")
        guard.bus.flush()

        [event] = told
        assert (event.reason, event.trace_id) == ("[REDACTED]", "[WITHHELD]")
        assert KEY not in repr(records)
        assert guard.counters.get("faults", "reason") == 1


def test_a_success_that_cannot_be_noted_fails_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with guarding() as guard:
        fails(guard)
        monkeypatch.setattr("sentry_filters.core.sessions.stamp_now", broken)
        parts_of(guard).lifecycle.succeeded(guard.fingerprint("a"), time.monotonic())

        assert guard.counters.get("faults", "succeeded") == 1
        assert not guard.gate.is_open


def test_a_renewal_that_cannot_be_noted_gives_its_credential_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with guarding() as guard:
        monkeypatch.setattr(parts_of(guard).lifecycle, "renew", broken)

        assert guard.auth(lambda: KEY).token() == KEY
        assert guard.counters.get("faults", "refresh") == 1


def test_a_refusal_that_cannot_be_noted_refuses_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> str:
        raise RefreshRefused

    with guarding() as guard:
        monkeypatch.setattr(parts_of(guard).lifecycle, "observe", broken)

        with pytest.raises(SessionExpiredError):
            guard.auth(refuses).token()
        assert guard.counters.get("faults", "refresh") == 1


def test_a_failed_handler_that_cannot_be_noted_keeps_no_other_from_its_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[SessionExpired] = []
    with guarding(broken) as guard:
        guard.bus.subscribe(told.append)
        monkeypatch.setattr("sentry_filters.core.knowledge.transition", broken)
        guard.bus.publish(expiry())
        assert guard.bus.flush()

        assert len(told) == 1
        assert guard.counters.get("faults", "unhandled") == 1


def test_in_shadow_a_handler_that_fails_is_nothing_to_write_down() -> None:
    called: list[SessionExpired] = []

    def handler(event: SessionExpired) -> None:
        called.append(event)
        broken()

    with guarding(handler, mode="shadow") as guard:
        records = written(guard)
        guard.bus.publish(expiry())  # by the application itself: the guard publishes nothing
        assert guard.bus.flush()

        assert len(called) == 1
        assert records == []


def test_a_handler_that_returns_an_awaitable_is_awaited() -> None:
    told: list[SessionExpired] = []

    async def act(event: SessionExpired) -> None:
        told.append(event)

    with guarding(lambda event: act(event)) as guard:
        fails(guard)
        assert guard.bus.flush()
        assert len(told) == 1


def test_what_a_check_reports_is_noted_nowhere() -> None:
    with guarding() as guard:
        decider, records = parts_of(guard).decider, written(guard)
        before = guard.counters.get("decisions")
        with Rehearsal(guard, "run").held():
            decider.note("span", "demote", "below_failure", Failure(provider="OpenHuman", status=401))
            decider.note("log", "keep", "unrelated", None)
        assert (guard.counters.get("decisions"), records) == (before, [])

        decider.note("span", "demote", "below_failure", Failure(provider="OpenHuman", status=401))
        assert guard.counters.get("decisions") == before + 1
        assert [type(one) for one in records] == [DecisionRecord]


def test_an_expiry_that_another_has_followed_is_written_down_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sentry_filters.core.states.UNRENEWED_AFTER", 0.0)
    with guarding(renewal_grace=0.0) as guard:
        records, found = written(guard), guard.gate.expiry

        def meanwhile(expiry_: str, session: str | None) -> SessionExpired | None:
            monkeypatch.setattr(guard.gate, "expiry", found)
            guard.session_renewed("b")
            fails(guard, "b")
            return found(expiry_, session)

        monkeypatch.setattr(guard.gate, "expiry", meanwhile)
        for _ in range(20):
            fails(guard)
        guard.bus.flush()

        handled = [(one.event.session, one.handled) for one in records if isinstance(one, ExpiryRecord)]
        assert handled == [(guard.fingerprint("a"), True), (guard.fingerprint("b"), True)]
