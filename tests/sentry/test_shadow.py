"""Shadow mode in Sentry: everything leaves as it would without a guard, and is counted as what would go."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Literal

import pytest
import sentry_sdk

from sentry_filters import Ledger, Policy, SessionExpired, SessionGuard
from sentry_filters.audit import load_queries, reading
from tests.conftest import InitSentry
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

DSN = "http://a@127.0.0.1:1/1"
HOST = "api.example.ai"
TAGS = {
    "domain": "llm_provider", "operation": "chat_completions", "provider": "OpenHuman", "status": "401",
    "failure": "non_2xx",
}  # fmt: skip
WIRE = "OpenHuman API error (401 Unauthorized): Invalid token"


def guard_in(
    mode: Literal["enforce", "shadow"], expired: list[SessionExpired] | None = None, **options: Any
) -> SessionGuard:
    policy = Policy(provider="OpenHuman", hosts={HOST}, mode=mode, not_session_codes=())
    return SessionGuard(policy, None if expired is None else expired.append, **options)


def fail(text: str = WIRE, **changes: str) -> None:
    with sentry_sdk.new_scope() as scope:
        scope.set_tags({**TAGS, **changes})
        scope.capture_message(text, "error")


def decisions(guard: SessionGuard, signal: str) -> dict[tuple[str, ...], int]:
    counted = guard.counters.counts().items()
    return {key[2:]: count for key, count in counted if key[:2] == ("decisions", signal) and count}


def test_reports_leave_untagged_and_redacted_and_nobody_is_told(
    sentry: InitSentry, caplog: pytest.LogCaptureFixture
) -> None:
    expired: list[SessionExpired] = []
    with caplog.at_level(logging.WARNING, "sentry_filters"):
        guard, transport = guard_in("shadow", expired), CapturingTransport()
        sentry(**guard.sentry_options(dsn=DSN, transport=transport, enable_logs=True))
        key = fake("sk-proj-", 40)

        fail(f"{WIRE} {key}")
        fail()
        fail(provider="OpenAI")
        verdict = guard.report(WIRE, operation="chat", provider="OpenHuman", status=401)

    sentry_sdk.flush()
    events = [item.json for item in transport.items if item.type == "event"]
    assert len(events) == 4
    assert not any("session_expired" in event.get("tags", {}) for event in events)
    assert key.encode() not in transport.bytes
    assert {item.type for item in transport.items} == {"event"}
    assert (verdict.drop, verdict.reason) == (False, "backend_session_expired")
    assert guard.gate.is_open
    guard.close()
    assert expired == []
    assert [record.getMessage() for record in caplog.records] == [
        "sentry-filters: shadow mode: failures of OpenHuman are counted, nothing is silenced"
    ]
    assert decisions(guard, "event") == {
        ("would_drop", "backend_session_expired"): 2,
        ("keep", "other_provider"): 1,
    }
    assert decisions(guard, "report") == {("would_drop", "backend_session_expired"): 1}
    assert guard.counters.get("session_expired") == 0
    assert guard.counters.get("seen", "event") == guard.counters.get("exported", "event") == 4


def test_a_first_failure_that_nobody_would_hear_of_counts_as_shown() -> None:
    shadow, enforced = guard_in("shadow"), guard_in("enforce")
    for guard in (shadow, enforced):
        for _ in range(3):
            guard.before_send({"tags": TAGS, "message": WIRE}, {})

    assert decisions(shadow, "event") == {
        ("keep", "unhandled"): 1,
        ("would_drop", "backend_session_expired"): 2,
    }
    assert decisions(enforced, "event") == {("keep", "unhandled"): 1, ("drop", "backend_session_expired"): 2}
    assert shadow.before_send(event := {"tags": TAGS, "message": WIRE}, {}) is event
    shadow.close()
    enforced.close()


def test_a_transaction_keeps_its_spans_and_its_status() -> None:
    url = f"https://{HOST}/v1/chat/completions"
    http = {
        "span_id": "h", "parent_span_id": "c", "op": "http.client", "description": f"POST {url}",
        "status": "unauthenticated", "data": {"http.response.status_code": 401, "url": url},
    }  # fmt: skip
    chat = {"span_id": "c", "parent_span_id": "t", "op": "gen_ai.chat", "status": "internal_error"}
    trace = {"span_id": "t", "status": "unauthenticated"}
    event = {"type": "transaction", "contexts": {"trace": trace}, "spans": [chat, http]}
    guard = guard_in("shadow", [])
    before = json.dumps(event)

    kept = guard.sentry_options()["before_send_transaction"](event, {})

    assert kept is event
    assert json.dumps(kept) == before
    assert decisions(guard, "span") == {("would_drop", "backend_session_expired"): 1}
    assert guard.counters.get("dropped") == 0
    guard.close()


def test_another_guards_warning_of_an_expiry_leaves_too() -> None:
    guard = guard_in("shadow", [])
    log = {"body": "…", "attributes": {"logger.name": "sentry_filters", "session_expired": "e1"}}

    assert guard.sentry_options()["before_send_log"](log, {}) is log
    guard.close()


def test_the_audit_shows_what_would_go_and_every_invariant_holds(sentry: InitSentry, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    guard = guard_in("shadow", [], audit=Ledger(path))
    sentry(**guard.sentry_options(dsn=DSN, transport=CapturingTransport()))
    fail()
    fail()
    fail(provider="OpenAI")
    guard.close()

    with reading(path) as reader:
        answers = {query.name: reader.ask(query) for query in load_queries()}

    assert [name for name, answer in answers.items() if answer.holds is False] == []
    grades = answers["recognised_by_grade"]
    assert [row[:6] for row in grades.rows] == [
        ("statement", 0, "would_drop", "backend_session_expired", 2, 1)
    ]
    minutes = answers["failures_by_minute"]
    kept = minutes.columns.index("kept")
    assert sum(int(row[kept] or 0) for row in minutes.rows) == 3
