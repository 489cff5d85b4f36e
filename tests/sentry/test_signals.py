"""What people see in Sentry and in the log: one item for each expiry, and what was dropped by which rule."""

from __future__ import annotations

import logging
import os
from typing import Any, Literal

import pytest
import sentry_sdk

from sentry_filters import Policy, SessionExpired, SessionGuard
from tests.conftest import InitSentry
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

DSN = "http://a@127.0.0.1:1/1"
TAGS = {
    "domain": "llm_provider",
    "operation": "chat_completions",
    "provider": "OpenHuman",
    "status": "401",
    "failure": "non_2xx",
}


def guard_with(signal: Literal["log", "event", "none"] = "log") -> SessionGuard:
    policy = Policy(provider="OpenHuman", hosts={"api.example.ai"}, sentry_signal=signal)
    return SessionGuard(policy, lambda event: None)


def fail(times: int = 1, reason: str = "Invalid token") -> None:
    for _ in range(times):
        with sentry_sdk.new_scope() as scope:
            scope.set_tags(TAGS)
            scope.capture_message(f"OpenHuman API error (401 Unauthorized): {reason}", "error")


def sent(guard: SessionGuard) -> None:
    assert guard.bus.flush(10)
    sentry_sdk.flush()


def batched(transport: CapturingTransport, kind: str) -> list[dict[str, Any]]:
    return [one for item in transport.items if item.type == kind for one in item.json["items"]]


def plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: attribute["value"] for name, attribute in item["attributes"].items()}


def test_an_expiry_is_one_log_in_sentry_where_logs_are_enabled(sentry: InitSentry) -> None:
    guard, transport = guard_with(), CapturingTransport()
    expired: list[SessionExpired] = []
    guard.bus.subscribe(expired.append)
    sentry(**guard.sentry_options(dsn=DSN, transport=transport, enable_logs=True))
    secret = fake("sk-proj-", 40)

    fail(18, secret)
    sent(guard)

    [log] = batched(transport, "log")
    assert (log["level"], log["body"]) == ("info", "the OpenHuman session has expired")
    attributes = plain(log)
    assert attributes["sentry_filters.expiry"] == expired[0].id
    assert attributes["sentry_filters.source"] == "llm_provider.openhuman_backend"
    assert attributes["sentry_filters.operation"] == "chat_completions"
    assert attributes["sentry_filters.reason"] == "OpenHuman API error (401 Unauthorized): [REDACTED]"
    assert attributes["sentry_filters.handled"] is True
    assert attributes["http.response.status_code"] == 401
    assert transport.events == []
    assert secret.encode() not in transport.bytes
    guard.close()


def test_where_logs_are_not_enabled_nothing_stands_in_for_them(sentry: InitSentry) -> None:
    guard, transport = guard_with(), CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))

    fail()
    sent(guard)

    assert transport.events == batched(transport, "log") == []
    assert guard.counters.get("faults") == 0
    guard.close()


def test_an_expiry_is_one_informational_event_if_so_wished(sentry: InitSentry) -> None:
    guard, transport = guard_with("event"), CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport, enable_logs=True))

    fail(3)
    sent(guard)
    guard.session_renewed()
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("of", "the failing call")
        guard.report("no", operation="chat", provider="OpenHuman", status=401)
    sent(guard)

    assert batched(transport, "log") == []
    assert [event["level"] for event in transport.events] == ["info"] * len(transport.events)
    assert {tuple(event["fingerprint"]) for event in transport.events} == {
        ("session_expired", "llm_provider.openhuman_backend")
    }
    event = transport.events[0]
    assert event["tags"] == {"session_expired": "announced"}
    assert event["contexts"]["session_expired"]["sentry_filters.reason"].startswith(
        "OpenHuman API error (401"
    )
    guard.close()


@pytest.mark.parametrize("signal", ["log", "event"])
def test_what_was_dropped_by_which_rule_is_a_metric(
    sentry: InitSentry, signal: Literal["log", "event"]
) -> None:
    guard, transport = guard_with(signal), CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))

    fail(18)
    sent(guard)
    fail(2)
    sent(guard)

    metrics = batched(transport, "trace_metric")
    assert {metric["name"] for metric in metrics} == {"sentry_filters.decisions"}
    assert {metric["type"] for metric in metrics} == {"counter"}
    assert sum(metric["value"] for metric in metrics) == 20
    named = [
        {name: value for name, value in plain(metric).items() if not name.startswith("sentry.")}
        for metric in metrics
    ]
    rule = {"signal": "event", "verdict": "drop", "reason": "backend_session_expired"}
    assert all(rule.items() <= attributes.items() for attributes in named)
    assert len(metrics) <= 4, "gathered, not one for each report"
    guard.close()


def test_none_is_nothing_at_all(sentry: InitSentry) -> None:
    guard, transport = guard_with("none"), CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport, enable_logs=True))

    fail(3)
    sent(guard)

    assert transport.items == []
    guard.close()


def test_metrics_that_are_switched_off_stay_off(sentry: InitSentry) -> None:
    guard, transport = guard_with(), CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport, enable_metrics=False))

    fail()
    sent(guard)

    assert transport.items == []
    assert guard.counters.get("faults") == 0
    guard.close()


def test_the_hook_alone_announces_too_and_its_event_is_redacted(sentry: InitSentry) -> None:
    guard, transport = guard_with("event"), CapturingTransport()
    sentry(dsn=DSN, transport=transport, before_send=guard.before_send)

    fail(2)
    sent(guard)

    assert [event["level"] for event in transport.events] == ["info"]
    assert guard.counters.get("exported", "event") == 1
    guard.close()


def test_another_guards_hooks_leave_the_announcement_alone(sentry: InitSentry) -> None:
    one, other, transport = guard_with("event"), guard_with("event"), CapturingTransport()
    sentry(**one.sentry_options(dsn=DSN, transport=transport, before_send=other.before_send))

    one.report("no", operation="chat", provider="OpenHuman", status=401)
    sent(one)
    sent(other)

    assert len(transport.events) == 1
    assert other.gate.is_open
    one.close()
    other.close()


def test_an_expiry_is_one_warning_without_payload(caplog: pytest.LogCaptureFixture) -> None:
    guard = guard_with()
    event = {"tags": TAGS, "message": "OpenHuman API error (401 Unauthorized): the payload"}

    for _ in range(3):
        assert guard.before_send(event, {}) is None
    assert guard.bus.flush(10)

    [record] = [record for record in caplog.records if record.name == "sentry_filters"]
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "the session has expired (domain=llm_provider, operation=chat_completions, provider=OpenHuman, "
        "status=401): sign in again"
    )
    assert "payload" not in str(vars(record))
    guard.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_sends_the_metrics_of_its_own_drops(sentry: InitSentry) -> None:
    guard, transport = guard_with(), CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))
    fail(5)
    sent(guard)
    already = len(batched(transport, "trace_metric"))

    child = os.fork()
    if child == 0:
        fail(2)
        sent(guard)
        values = [metric["value"] for metric in batched(transport, "trace_metric")[already:]]
        os._exit(0 if sum(values) == 2 else 1)

    assert os.waitpid(child, 0)[1] == 0
    guard.close()
