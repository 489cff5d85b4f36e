"""What the audit and the other processes are told of a session's life, in full."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from sentry_filters import (
    AuditRecord,
    ExpiryRecord,
    Failure,
    Policy,
    RenewalRecord,
    SessionExpired,
    SessionGuard,
    Verdict,
)
from sentry_filters.core import Observed, Standing, states
from sentry_filters.core.shared import SharedSessions
from sentry_filters.guard import parts_of
from tests.support.deciding import TRACE, answer

HOST = "api.example.ai"
A, B, C = ("a" * 12, "b" * 12, "c" * 12)
FACT = Verdict(drop=True, reason="backend_session_expired", grade="fact", confirmed=True)


class Others:
    """The other processes: keeps what they were told."""

    key = b"shared"

    def __init__(self) -> None:
        self.told: list[tuple[str, object, object]] = []

    def attach(self, life: object) -> None:
        pass

    def expiry_id(self, session: str | None, after: int) -> str:
        return f"{session or '-'} after {'a renewal' if after else 'none'}"

    def announce(self, event: SessionExpired, after: int, begun_at: float) -> None:
        self.told.append(("announce", event.id, begun_at))

    def renewed(self, session: str | None, stamp: int, credential: str | None) -> None:
        self.told.append(("renewed", session, credential))

    def recovered(self, session: str | None, stamp: int) -> None:
        self.told.append(("recovered", session, stamp == 0))

    def close(self, timeout: float) -> None:
        pass


class Life:
    """One guard's sessions."""

    def __init__(self, scope: str, **policy: Any) -> None:
        made = Policy(provider="OpenHuman", hosts={HOST}, scope=scope, renewal_grace=0.0, **policy)  # type: ignore[arg-type]
        self.others = Others()
        self.records: list[AuditRecord] = []
        self.guard = SessionGuard(made, lambda _event: None, shared=cast("SharedSessions", self.others))
        parts_of(self.guard).trail.observe(self.records.append)
        self.sessions = parts_of(self.guard).lifecycle

    def fails(
        self, session: str | None, *, ago: float = 0.0, trace: str | None = None, at: float | None = None
    ) -> Observed:
        response = answer(HOST, session, began=time.monotonic() - ago, started_at=at)
        return self.sessions.observe(Failure(response=response, trace_id=trace), FACT)

    def closed_for(self, *sessions: str) -> list[bool]:
        return [not self.guard.gate.is_open_for(one) for one in sessions]

    def event(self, session: str) -> SessionExpired:
        found = self.guard.gate.expiry(self.sessions.standing_of(session).expiry or "", session)
        assert found is not None
        return found

    def renewals(self) -> list[RenewalRecord]:
        return [one for one in self.records if isinstance(one, RenewalRecord)]


@pytest.fixture(params=["process", "session"])
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    made = Life(request.param)
    yield made
    made.guard.close()


@pytest.fixture
def users() -> Iterator[Life]:
    made = Life("session")
    yield made
    made.guard.close()


def test_a_sign_in_is_told_to_the_audit_and_to_the_others_by_its_names(users: Life) -> None:
    users.fails(A)
    users.fails(B)
    before = time.time()
    users.sessions.renew(B, replaces=A)

    renewed = [one for one in users.others.told if one[0] == "renewed"]
    assert {name for _, name, _ in renewed} == {A, B}
    assert {credential for _, _, credential in renewed} == {B}
    [record] = users.renewals()
    assert before <= record.at <= time.time()
    assert (record.session, record.reason) == (B, "renewed")
    assert set(record.expiries) == {f"{A} after none", f"{B} after none"}
    assert users.guard.counters.get("renewals") == 1


def test_a_sign_in_opens_the_gate_for_its_user_whatever_had_closed_it(users: Life) -> None:
    users.fails(A)
    users.fails(B)
    users.guard.gate.close(replace(users.event(A), id="by the application"))
    users.sessions.renew(A)

    assert users.closed_for(A, B) == [False, True]


def test_without_a_name_everybody_is_renewed(life: Life) -> None:
    life.fails(A)
    life.sessions.renew(None)

    assert life.others.told[-1] == ("renewed", None, None)
    assert life.renewals()[-1].session is None
    assert life.closed_for(A, B) == [False, False]


def test_every_process_computes_the_same_id_of_an_expiry(life: Life) -> None:
    assert life.fails(A).expiry == f"{A} after none"
    life.sessions.renew(A)

    assert life.fails(A).expiry == f"{A} after a renewal"
    assert [what for what, *_ in life.others.told] == ["announce", "renewed", "announce"]


def test_an_end_is_announced_with_the_moment_its_call_began(life: Life) -> None:
    life.fails(A, ago=20.0, at=1_700_000_000.0)

    assert life.others.told == [("announce", f"{A} after none", 1_700_000_000.0)]


def test_a_success_after_the_end_is_told_as_a_recovery(life: Life) -> None:
    life.fails(A, ago=2.0)
    before = time.time()
    life.sessions.succeeded(A, time.monotonic())

    assert ("recovered", A) in [one[:2] for one in life.others.told]
    [record] = life.renewals()
    assert before <= record.at <= time.time()
    assert (record.session, record.expiries, record.reason) == (A, (f"{A} after none",), "recovered")
    assert life.closed_for(A, B) == [False, False]


def test_one_users_recovery_is_nobody_elses(users: Life) -> None:
    users.fails(A, ago=2.0)
    users.fails(B, ago=2.0)
    users.sessions.succeeded(A, time.monotonic())

    assert users.closed_for(A, B) == [False, True]
    assert users.fails(B).standing is Standing.REPEAT
    for session in (A, C):
        users.sessions.succeeded(session, time.monotonic())
    assert users.closed_for(A, B) == [False, True]
    assert len(users.renewals()) == 1, "it was over before"


def test_an_end_that_was_seen_without_its_credential_recovers_in_both_places() -> None:
    life = Life("process")
    life.fails(None, ago=2.0)
    life.fails(A, ago=1.0)
    life.sessions.succeeded(A, time.monotonic())

    assert {name for what, name, _ in life.others.told if what == "recovered"} == {A, None}
    assert life.guard.gate.is_open
    assert life.sessions.standing_of(None).standing is Standing.STALE
    life.guard.close()


@pytest.mark.parametrize(("credential", "named"), [(B, B), (None, A)])
def test_a_sign_in_elsewhere_is_told_to_the_audit_as_of_when_it_was(
    life: Life, credential: str | None, named: str
) -> None:
    life.fails(A, ago=60.0)
    stamp = round(time.time() * 1e6)
    life.sessions.adopt_renewal(A, stamp, credential, everyone=False)

    assert life.renewals() == [
        RenewalRecord(at=stamp / 1e6, session=named, expiries=(f"{A} after none",), reason="renewed")
    ]
    life.sessions.adopt_renewal(A, stamp, credential, everyone=False)
    assert len(life.renewals()) == 1, "it ended nothing more"


def test_after_a_sign_in_elsewhere_the_old_credential_is_known_as_old() -> None:
    life = Life("process")
    life.fails(A, ago=60.0)
    life.sessions.adopt_renewal(None, round((time.time() - 30.0) * 1e6), B, everyone=True)

    assert life.fails(A).reason == "old_credential"
    assert life.guard.counters.get("violations", "old_credential_in_use") == 1
    assert life.fails(B).standing is Standing.FIRST
    life.guard.close()


def test_an_end_elsewhere_closes_the_gate_and_is_told_to_the_audit(users: Life) -> None:
    users.fails(C)
    event = replace(users.event(C), id="elsewhere", session=A)
    after = round((time.time() - 30.0) * 1e6)
    users.sessions.adopt_expiry(A, event, after)

    assert users.closed_for(A, B, C) == [True, False, True]
    assert users.records[-1] == ExpiryRecord(event=event, handled=True)
    late, now, others = users.fails(A, ago=60.0), users.fails(A), users.fails(B, ago=60.0)
    assert late.standing is Standing.STALE, "the renewal that it names was later"
    assert (now.standing, now.expiry) == (Standing.REPEAT, "elsewhere")
    assert others.standing is Standing.FIRST, "that renewal was somebody else's"


def test_an_end_elsewhere_that_is_over_opens_its_own_session_only(users: Life) -> None:
    users.fails(A)
    users.fails(C)
    event = users.event(A)
    # The same process heard of the sign-in first, and then of the end that it had ended.
    users.sessions.renew(A)
    users.sessions.adopt_expiry(A, replace(event, id="elsewhere"), 0)

    assert users.closed_for(A, C) == [False, True]
    assert users.fails(C).standing is Standing.REPEAT


@pytest.mark.parametrize("scope", ["process", "session"])
def test_where_a_failure_stands_is_known_by_its_own_session(scope: str) -> None:
    life = Life(scope)
    first = life.fails(A, trace=TRACE)
    found = life.sessions.standing_of(A)

    assert (found.standing, found.expiry) == (Standing.REPEAT, first.expiry)
    assert life.fails(A).expiry == first.expiry
    life.sessions.renew(A)
    assert life.sessions.standing_of(A).standing is Standing.STALE
    assert life.sessions.standing_of(A).expiry == first.expiry
    if scope == "session":
        life.fails(B)
        assert life.sessions.standing_of(B).expiry == f"{B} after none"
    life.guard.close()


def test_words_without_a_credential_speak_of_the_session_that_failed_in_their_trace(users: Life) -> None:
    users.fails(A, trace=TRACE)
    users.fails(B)

    users.fails(None, trace=TRACE)
    assert users.sessions.corroborates(Failure(trace_id=TRACE))
    assert users.sessions.corroborated(Failure(trace_id=TRACE)).expiry == f"{A} after none"
    assert not users.sessions.corroborates(Failure(trace_id=TRACE[::-1]))
    assert not users.sessions.corroborates(Failure())


def test_what_would_be_the_end_or_a_repeat_is_foreseen_and_nothing_is_noted(life: Life) -> None:
    now = Failure(response=answer(HOST, A, began=time.monotonic()))
    assert life.sessions.announces(now)
    assert life.others.told == []
    assert life.closed_for(A) == [False]
    life.fails(A)
    assert life.sessions.announces(now)
    life.sessions.renew(A)
    assert not life.sessions.announces(now), "it is late by now"


def test_an_expiry_that_nobody_acts_on_is_told_to_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "UNRENEWED_AFTER", 0.0)
    users = Life("session")
    for session in (A, B):
        users.fails(session)
    for _ in range(20):
        users.fails(A)
    users.guard.bus.flush()

    unhandled = [one.event for one in users.records if isinstance(one, ExpiryRecord) and not one.handled]
    assert [(one.id, one.session) for one in unhandled] == [(f"{A} after none", A)]
    users.guard.close()


def test_a_repeat_within_the_healing_window_ends_it_for_nobody() -> None:
    life = Life("process", healing_window=3_600.0)
    for _ in range(3):
        life.fails(A)

    assert life.others.told == []
    life.guard.close()
    assert len(life.others.told) == 1
