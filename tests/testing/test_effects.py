"""A check leaves nothing behind, sends nothing, and stands in nobody's way."""

from __future__ import annotations

import contextlib
import gc
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk

from sentry_filters import Ledger, SessionExpired, SessionGuard
from sentry_filters.guard import parts_of
from sentry_filters.testing import Outcome, Rehearsal, check
from tests.conftest import InitSentry
from tests.support.receiver import SentryReceiver
from tests.testing.reports import DSN, POLICY


def own_failure(scope: sentry_sdk.Scope) -> None:
    for name, value in (
        ("domain", "llm_provider"),
        ("operation", "chat_completions"),
        ("provider", "OpenHuman"),
        ("status", "401"),
        ("failure", "non_2xx"),
    ):
        scope.set_tag(name, value)
    scope.capture_message("failed")


@pytest.mark.integration
def test_nothing_reaches_the_network(
    guard: SessionGuard, sentry: InitSentry, receiver: SentryReceiver
) -> None:
    client = sentry(
        **guard.sentry_options(
            dsn=receiver.dsn, traces_sample_rate=1.0, enable_logs=True, spotlight=f"{receiver.dsn}/stream"
        )
    )

    assert check(guard).is_clean
    client.flush(timeout=5)
    sentry_sdk.capture_message("the application's")
    client.close(timeout=5)

    assert [event["message"] for event in receiver.events] == ["the application's"] * len(receiver.events)
    assert receiver.events
    assert b"CANARY" not in receiver.bytes
    assert b"canary" not in receiver.bytes
    assert "client_report" not in {item.type for item in receiver.items}


def test_nobody_is_signed_out_and_nothing_is_counted(
    guard: SessionGuard, published: list[SessionExpired], sentry: InitSentry
) -> None:
    sentry(**guard.sentry_options(dsn=DSN, enable_logs=True))
    records: list[Any] = []
    parts_of(guard).trail.observe(records.append)
    counted = guard.counters.counts()

    report = check(guard)

    assert "sentry recognition: your own session's 401 is dropped: clean" in map(str, report.paths)
    assert guard.bus.flush()
    assert (published, records, guard.counters.counts()) == ([], [], counted)
    assert guard.gate.is_open


def test_afterwards_the_guard_decides_as_before(
    guard: SessionGuard, published: list[SessionExpired], sentry: InitSentry
) -> None:
    sentry(**guard.sentry_options(dsn=DSN))
    check(guard)

    with sentry_sdk.new_scope() as scope:
        own_failure(scope)

    assert guard.bus.flush()
    assert [event.operation for event in published] == ["chat_completions"]
    assert not guard.gate.is_open
    assert guard.counters.get("decisions", "event", "drop") == 1


def test_what_others_report_meanwhile_is_decided_sent_and_counted(
    guard: SessionGuard, published: list[SessionExpired], sentry: InitSentry, receiver: SentryReceiver
) -> None:
    # Started before: the SDK hands the scopes of the moment on to the threads that are started.
    due, done = threading.Event(), threading.Event()

    def report() -> None:
        due.wait(10)
        with sentry_sdk.isolation_scope():
            own_failure(sentry_sdk.get_current_scope())
        with sentry_sdk.isolation_scope():
            sentry_sdk.capture_message("the application's")
        done.set()

    def let_the_other_report(event: Any, hint: Any) -> Any:
        if not due.is_set():  # a canary is on its way: the rehearsal is held at this moment
            due.set()
            assert done.wait(10)
        return event

    client = sentry(**guard.sentry_options(dsn=receiver.dsn, before_send=let_the_other_report))
    other = threading.Thread(target=report)
    other.start()
    report_before = check(guard)
    other.join()
    client.flush(timeout=5)

    assert report_before.is_clean
    assert guard.bus.flush()
    assert len(published) == 1
    assert not guard.gate.is_open
    assert [event["message"] for event in receiver.events] == ["the application's"]
    assert guard.counters.get("dropped", "event") == 1
    assert guard.counters.get("exported", "event") == 1


def test_the_scopes_the_session_and_the_client_stay_as_they_are(
    guard: SessionGuard, sentry: InitSentry
) -> None:
    client = sentry(**guard.sentry_options(dsn=DSN, release="app@1"))
    options, transport, batcher = dict(client.options), client.transport, client.log_batcher
    isolation = sentry_sdk.get_isolation_scope()
    isolation.set_tag("kept", "yes")
    isolation.start_session()
    session = isolation._session
    assert session is not None

    check(guard)

    assert sentry_sdk.get_client() is client
    assert (client.options, client.transport, client.log_batcher) == (options, transport, batcher)
    assert isolation._session is session
    assert session.errors == 0
    assert isolation._tags == {"kept": "yes"}
    assert sentry_sdk.get_isolation_scope() is isolation


def test_no_thread_and_no_client_stays_behind(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**guard.sentry_options(dsn=DSN, enable_logs=True))
    check(guard)
    before = set(threading.enumerate())

    for _ in range(3):
        assert check(guard).is_clean

    deadline = time.monotonic() + 10
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        left.pop().join(timeout=0.05)
    assert left == set()
    gc.collect()
    clients = [one for one in gc.get_referrers(sentry_sdk.Client) if type(one) is sentry_sdk.Client]
    assert [one for one in clients if one.transport is not None] == [sentry_sdk.get_client()]


def test_the_ledger_hears_nothing(tmp_path: Path, sentry: InitSentry) -> None:
    file = tmp_path / "audit.db"
    guard = SessionGuard(POLICY, lambda event: None, audit=Ledger(file))
    sentry(**guard.sentry_options(dsn=DSN))

    check(guard)
    guard.close()

    with contextlib.closing(sqlite3.connect(file)) as connection:
        tables = ("decisions", "expiries", "renewals", "totals")
        rows = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    assert rows == [0, 0, 0, 0]
    assert b"CANARY" not in file.read_bytes()


def test_checks_of_one_guard_wait_for_each_other(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**guard.sentry_options(dsn=DSN))
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(check(guard).is_clean)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [True] * 3
    assert "decide" not in vars(parts_of(guard).decider)


def test_an_edge_without_its_check_is_not_passed_over(
    guard: SessionGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the package runs from its sources without having been installed.
    monkeypatch.setattr("sentry_filters.testing.checking.entry_points", lambda group: [])

    told = {path.path: path.outcome for path in check(guard).paths}

    assert told["opentelemetry"] is Outcome.NOT_COVERED


def test_a_report_of_a_call_site_in_a_rehearsal_has_no_consequences(
    guard: SessionGuard, published: list[SessionExpired]
) -> None:
    rehearsal = Rehearsal(guard, "a" * 32)

    with rehearsal.held():
        assert guard.report("failed", operation="chat", provider=guard.policy.provider, status=401).drop

    assert rehearsal.asked == [("report", True)]
    assert guard.bus.flush()
    assert (published, guard.gate.is_open, guard.counters.get("decisions", "report", "drop")) == ([], True, 0)
