"""What a guard's observers receive: decisions, expiries and renewals, linked by the expiry's id."""

from __future__ import annotations

import time

import pytest

from sentry_filters import (
    AuditRecord,
    DecisionRecord,
    ExpiryRecord,
    Failure,
    Policy,
    RenewalRecord,
    Response,
    SessionExpiredError,
    SessionGuard,
)
from sentry_filters.core.records import names_third_party
from sentry_filters.evidence.hosts import Endpoint
from sentry_filters.guard import parts_of
from tests.support.deciding import Deciding, answer
from tests.support.expiries import expiry

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})


def expired(session: str | None = "a", **other: object) -> Failure:
    response = Response(
        status=401,
        endpoint=Endpoint("api.example.ai", 443),
        path="/v1/chat/completions",
        session=session,
        started_at=1.0,
        body_known=True,
    )
    return Failure(provider="OpenHuman", response=response, **other)  # type: ignore[arg-type]


def told_to(guard: SessionGuard) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    parts_of(guard).trail.observe(records.append)
    return records


def decisions(records: list[AuditRecord]) -> list[DecisionRecord]:
    return [record for record in records if isinstance(record, DecisionRecord)]


def test_a_drop_carries_the_id_of_the_published_expiry() -> None:
    guard = SessionGuard(POLICY, print)
    records = told_to(guard)

    for _ in range(3):
        parts_of(guard).decider.decide("event", (expired(),))

    (expiry,) = [record for record in records if isinstance(record, ExpiryRecord)]
    assert [(one.standing, one.expiry) for one in decisions(records)] == [
        ("first", expiry.event.id), ("repeat", expiry.event.id), ("repeat", expiry.event.id),
    ]  # fmt: skip
    assert expiry.handled


def test_a_failure_without_its_credential_belongs_to_the_running_expiry() -> None:
    guard = SessionGuard(POLICY, print)
    records = told_to(guard)

    parts_of(guard).decider.decide("event", (expired("a"),))
    parts_of(guard).decider.decide("span", (expired(None),))
    parts_of(guard).decider.note("span", "demote", "backend_session_expired", expired(None))

    assert len({one.expiry for one in decisions(records)}) == 1


def test_a_renewal_names_the_expiries_that_it_ended() -> None:
    guard = SessionGuard(POLICY, print)
    records = told_to(guard)

    parts_of(guard).decider.decide("event", (expired("a"),))
    parts_of(guard).decider.decide("event", (expired("b"),))
    guard.session_renewed("new")
    guard.session_renewed("newer")

    first, second = [record for record in records if isinstance(record, RenewalRecord)]
    assert first.expiries == tuple(one.expiry for one in decisions(records))
    assert second.expiries == ()


def test_a_renewal_of_one_session_ends_its_own_expiry_only() -> None:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}, scope="session"), print)
    records = told_to(guard)

    for credential in ("a", "b"):
        parts_of(guard).decider.decide("event", (expired(guard.fingerprint(credential)),))
    guard.session_renewed("b")

    (renewal,) = [record for record in records if isinstance(record, RenewalRecord)]
    assert renewal.expiries == (decisions(records)[1].expiry,)


def test_a_late_failure_of_a_session_that_never_expired_has_no_expiry() -> None:
    guard = SessionGuard(POLICY, print)
    records = told_to(guard)

    guard.session_renewed("new")
    parts_of(guard).decider.decide("event", (expired(None),))
    parts_of(guard).decider.note("span", "demote", "backend_session_expired", expired(None))

    assert [(one.standing, one.expiry) for one in decisions(records)] == [("stale", None)] * 2


def test_an_expiry_without_a_listener_is_recorded_as_such() -> None:
    guard = SessionGuard(POLICY)
    records = told_to(guard)

    parts_of(guard).decider.decide("event", (expired(),), can_show=True)

    (expiry,) = [record for record in records if isinstance(record, ExpiryRecord)]
    assert not expiry.handled
    assert decisions(records)[0].reason == "unhandled"
    assert guard.counters.get("session_expired", "llm_provider.openhuman_backend", "false", "false") == 0
    assert guard.counters.get("session_expired", "llm_provider.openhuman_backend", "true", "false") == 1


@pytest.mark.parametrize(
    ("failure", "third_party"),
    [
        pytest.param(expired(), False, id="ours"),
        pytest.param(Failure(provider="OpenAI", status=401), True, id="another provider"),
        pytest.param(
            Failure(response=Response(status=401, endpoint=Endpoint("api.example.com", 443))),
            True,
            id="another host",
        ),
        pytest.param(Failure(status=401), False, id="nobody named"),
    ],
)
def test_the_record_says_whether_the_evidence_names_a_third_party(
    failure: Failure, third_party: bool
) -> None:
    assert names_third_party(failure, POLICY) is third_party


def test_a_dropped_third_party_failure_is_counted_as_a_violation() -> None:
    guard = SessionGuard(POLICY, print)

    parts_of(guard).decider.note(
        "event", "drop", "backend_session_expired", Failure(provider="OpenAI", status=401)
    )
    parts_of(guard).decider.note("event", "keep", "other_provider", Failure(provider="OpenAI", status=401))

    assert guard.counters.get("violations", "third_party_dropped") == 1


def test_an_expiry_that_could_not_be_published_is_counted_as_a_violation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guard = SessionGuard(POLICY, print)

    def broken(event: object) -> None:
        raise OSError

    monkeypatch.setattr(guard.bus, "publish", broken)

    assert not parts_of(guard).decider.decide("event", (expired(),)).drop
    assert guard.counters.get("violations", "drop_without_event") == 1


@pytest.mark.parametrize(
    ("failure", "grade", "confirmed"),
    [
        pytest.param(expired(), "fact", True, id="what the wire said"),
        pytest.param(
            Failure(
                domain="llm_provider", provider="OpenHuman", operation="chat", status=401, failure="non_2xx"
            ),
            "statement",
            False,
            id="the five tags",
        ),
        pytest.param(
            Failure(provider="OpenHuman", operation="chat", status=401), "words", False, id="some tags"
        ),
        pytest.param(Failure(provider="OpenAI", operation="chat", status=401), None, None, id="not ours"),
    ],
)
def test_the_record_says_on_what_evidence_the_failure_was_recognised(
    failure: Failure, grade: str | None, confirmed: bool | None
) -> None:
    guard = SessionGuard(POLICY, print)
    records = told_to(guard)

    parts_of(guard).decider.decide("event", (failure,))

    assert [(one.grade, one.confirmed) for one in decisions(records)] == [(grade, confirmed)]


def test_what_follows_an_earlier_decision_has_no_evidence_of_its_own() -> None:
    guard = SessionGuard(POLICY, print)
    records = told_to(guard)

    parts_of(guard).decider.note("span", "demote", "backend_session_expired", expired())

    assert [(one.grade, one.confirmed) for one in decisions(records)] == [(None, None)]


def test_a_dropped_report_of_a_refusal_belongs_to_the_expiry_that_closed_the_gate() -> None:
    guard = SessionGuard(POLICY, print)
    records = told_to(guard)
    parts_of(guard).decider.decide("event", (expired(),))
    with pytest.raises(SessionExpiredError) as refused:
        guard.gate.check()

    parts_of(guard).trail.refused("report", "drop", "refused_by_gate", refused.value.event)

    first, refusal = decisions(records)
    assert (refusal.signal, refusal.verdict, refusal.reason) == ("report", "drop", "refused_by_gate")
    assert (refusal.expiry, refusal.session, refusal.provider) == (first.expiry, "a", "OpenHuman")
    assert (refusal.standing, refusal.grade, refusal.status, refusal.third_party) == (None, None, None, False)
    assert guard.counters.get("decisions", "report", "drop", "refused_by_gate") == 1


def test_what_alerts_watch_is_declared() -> None:
    declared = SessionGuard(POLICY).counters.counts()

    assert declared["violations", "old_credential_in_use"] == 0
    assert declared["decisions", "event", "keep", "old_credential"] == 0
    assert declared["decisions", "report", "drop", "refused_by_gate"] == 0


def test_work_that_the_gate_refused_is_counted() -> None:
    guard = SessionGuard(POLICY, print)
    parts_of(guard).decider.decide("event", (expired(),))

    for _ in range(3):
        with pytest.raises(RuntimeError):
            guard.gate.check()

    assert guard.counters.get("refused") == 3


def test_a_decision_is_written_down_in_full() -> None:
    guard = SessionGuard(POLICY, print)
    records = told_to(guard)
    before = time.time()
    failure = expired(domain="llm_provider", operation="chat", trace_id="0f" * 16)

    parts_of(guard).decider.decide("span", (failure,))

    [one] = decisions(records)
    assert before <= one.at <= time.time()
    assert (one.signal, one.verdict, one.reason) == ("span", "drop", "backend_session_expired")
    assert (one.domain, one.operation, one.provider) == ("llm_provider", "chat", "OpenHuman")
    assert (one.backend, one.host, one.status) == ("OpenHuman", "api.example.ai", 401)
    assert (one.session, one.trace_id, one.third_party) == ("a", "0f" * 16, False)


def test_what_was_not_recognised_names_no_provider_of_ours() -> None:
    guard = SessionGuard(POLICY, print)
    records = told_to(guard)

    parts_of(guard).decider.decide("event", (Failure(status=500),))

    assert [(one.provider, one.host, one.standing, one.expiry) for one in decisions(records)] == [
        (None, None, None, None)
    ]


def test_what_names_its_backend_by_its_host_alone_is_written_down_with_that_backend() -> None:
    core = Deciding(
        Policy(provider="Alpha", hosts={"api.alpha.ai"}), Policy(provider="Beta", hosts={"api.beta.ai"})
    )
    core.decide(Failure(response=answer("api.beta.ai")))

    [one] = core.decided
    assert (one.provider, one.backend, one.operation) == ("Beta", "Beta", "chat_completions")


def test_only_a_third_partys_failure_that_was_not_kept_is_a_violation() -> None:
    guard = SessionGuard(POLICY, print)
    others = Failure(provider="Other")

    for verdict in ("keep", "drop", "demote"):
        parts_of(guard).trail.decided("event", verdict, "x", others, None)

    assert guard.counters.get("violations", "third_party_dropped") == 2


def test_a_refusal_is_written_down_with_when_and_whose_it_was() -> None:
    guard = SessionGuard(POLICY, print)
    records = told_to(guard)
    before = time.time()

    parts_of(guard).trail.refused("report", "drop", "refused_by_gate", expiry())
    parts_of(guard).trail.refused("report", "drop", "refused_by_gate", None)

    [one] = decisions(records)
    assert before <= one.at <= time.time()
    assert (one.backend, one.provider) == (expiry().provider, expiry().provider)
    assert guard.counters.get("decisions", "report", "drop", "refused_by_gate") == 2
