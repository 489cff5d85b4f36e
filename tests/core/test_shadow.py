"""Shadow mode: the session's life goes on as always, and has no consequences."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Literal

import pytest

from sentry_filters import AuditRecord, DecisionRecord, Endpoint, Failure, Policy, Response, SessionGuard
from sentry_filters.core import RefreshTurns, SessionExpired, SharedLife
from sentry_filters.guard import parts_of

Mode = Literal["enforce", "shadow"]


class Fleet:
    """Stands where Redis would, and takes note of all that it is asked."""

    key = b"a key for the fingerprints of all"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def attach(self, lifecycle: SharedLife) -> None:
        self.asked.append("attach")

    def expiry_id(self, session: str | None, after: int) -> str:
        self.asked.append("expiry_id")
        return f"{session}-{after}"

    def announce(self, event: SessionExpired, after: int, begun_at: float) -> None:
        self.asked.append("announce")

    def renewed(self, session: str | None, stamp: int, credential: str | None) -> None:
        self.asked.append("renewed")

    def recovered(self, session: str | None, stamp: int) -> None:
        self.asked.append("recovered")

    def of_backend(self, provider: str) -> Fleet:
        raise AssertionError("there is one backend")

    def refresh_turns(self) -> RefreshTurns:
        raise AssertionError("nobody renews by itself here")

    def close(self, timeout: float = 2.0) -> None:
        self.asked.append("close")


def lived(
    mode: Mode, fleet: Fleet, expired: list[SessionExpired]
) -> tuple[SessionGuard, list[DecisionRecord]]:
    """Let a session end, be renewed, and fail late; return the guard and what it decided."""
    policy = Policy(provider="OpenHuman", hosts={"api.example.ai"}, mode=mode)
    guard = SessionGuard(policy, expired.append, shared=fleet)
    records: list[AuditRecord] = []
    parts = parts_of(guard)
    parts.trail.observe(records.append)
    began = 1.0
    response = Response(
        status=401,
        endpoint=Endpoint("api.example.ai", 443),
        path="/v1/chat/completions",
        body_known=True,
        session=guard.fingerprint("session-a"),
        began=began,
    )
    ours = Failure(response=response)
    theirs = replace(ours, response=replace(response, endpoint=Endpoint("api.other.example", 443)))
    for failure in (ours, ours, theirs):
        parts.decider.decide("event", (failure,))
    guard.session_renewed("session-b")
    parts.decider.decide("event", (ours,))
    return guard, [one for one in records if isinstance(one, DecisionRecord)]


def test_it_decides_as_the_enforced_policy_and_nothing_follows() -> None:
    expired: list[SessionExpired] = []
    told: list[SessionExpired] = []
    fleet, other = Fleet(), Fleet()
    guard, records = lived("shadow", fleet, expired)
    enforced, as_enforced = lived("enforce", other, told)

    would = {"drop": "would_drop", "keep": "keep"}
    assert [(one.verdict, one.standing, one.reason) for one in records] == [
        (would[one.verdict], one.standing, one.reason) for one in as_enforced
    ]
    assert [one.standing for one in records] == ["first", "repeat", None, "stale"]
    guard.close()
    enforced.close()
    assert expired == []
    assert fleet.asked == []
    assert "announce" in other.asked


def test_the_gate_stays_open() -> None:
    policy = Policy(provider="OpenHuman", hosts={"api.example.ai"}, mode="shadow")
    guard = SessionGuard(policy, lambda event: None)
    guard.report("x", operation="chat", provider="OpenHuman", status=401)

    assert guard.counters.get("decisions", "report", "would_drop") == 1
    assert guard.gate.is_open
    guard.gate.check()
    guard.close()


def test_one_warning_says_at_the_start_that_nothing_is_silenced(caplog: pytest.LogCaptureFixture) -> None:
    policy = Policy(provider="OpenHuman", hosts={"api.example.ai"}, mode="shadow")
    with caplog.at_level(logging.INFO, "sentry_filters"):
        guard = SessionGuard(policy)
        guard.report("x", operation="chat", provider="OpenHuman", status=401)
    guard.close()

    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        (
            "WARNING",
            "sentry-filters: shadow mode: failures of OpenHuman are counted, nothing is silenced",
        )
    ]
