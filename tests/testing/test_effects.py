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
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel.testing
from otel import GuardedLogRecordProcessor, GuardedSpanProcessor
from sentry_filters import Ledger, Policy, SessionExpired, SessionGuard
from sentry_filters.counters import Counters
from sentry_filters.redaction import Redactor
from sentry_filters.testing import Outcome, check
from sentry_filters.testing.checking import checked
from tests.conftest import InitSentry
from tests.support.receiver import SentryReceiver

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})


@pytest.fixture
def published() -> list[SessionExpired]:
    return []


@pytest.fixture
def guard(published: list[SessionExpired]) -> SessionGuard:
    return SessionGuard(POLICY, published.append)


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
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", enable_logs=True))
    records: list[Any] = []
    guard.observe(records.append)

    report = check(guard)

    assert "sentry recognition: the own session's 401 is dropped: clean" in map(str, report.paths)
    assert guard.bus.flush()
    assert (published, records, guard.counters.snapshot()) == ([], [], {})
    assert guard.gate.is_open


def test_afterwards_the_guard_decides_as_before(
    guard: SessionGuard, published: list[SessionExpired], sentry: InitSentry
) -> None:
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1"))
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
    client = sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", release="app@1"))
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
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", enable_logs=True))
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


def test_it_is_quick_enough_for_a_start(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", enable_logs=True, traces_sample_rate=1.0))

    # A second is promised; the least of three is what it costs where nothing else runs.
    assert min(check(guard).seconds for _ in range(3)) < 1.0


def test_the_ledger_hears_nothing(tmp_path: Path, sentry: InitSentry) -> None:
    file = tmp_path / "audit.db"
    guard = SessionGuard(POLICY, lambda event: None, audit=Ledger(file))
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1"))

    check(guard)
    guard.close()

    with contextlib.closing(sqlite3.connect(file)) as connection:
        tables = ("decisions", "expiries", "renewals", "totals")
        rows = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    assert rows == [0, 0, 0, 0]
    assert b"CANARY" not in file.read_bytes()


class Network(SpanExporter):
    """An exporter of the application's that remembers what it was given."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def export(self, spans: Any) -> SpanExportResult:
        self.names += [span.name for span in spans]
        return SpanExportResult.SUCCESS


def test_pipelines_are_as_before_and_their_own_spans_go_their_way(guard: SessionGuard) -> None:
    exporter = Network()
    batch = BatchSpanProcessor(exporter, schedule_delay_millis=3_600_000)
    guarded = GuardedSpanProcessor(guard, batch)
    provider = TracerProvider(active_span_processor=guarded)
    tracer = provider.get_tracer("app")
    tracer.start_span("before").end()
    parts = (exporter, batch, batch._batch_processor, guarded)
    attributes = [dict(vars(part)) for part in parts]

    report = otel.testing.check(guard, tracer_provider=provider)

    assert report.is_clean
    assert exporter.names == []  # what waits for its batch goes on waiting
    assert [dict(vars(part)) for part in parts] == attributes
    tracer.start_span("after").end()
    provider.force_flush()
    assert exporter.names == ["before", "after"]
    assert guard.counters.get("seen", "span") == 2
    provider.shutdown()


def test_spans_of_others_that_end_meanwhile_go_their_way(guard: SessionGuard) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard, BatchSpanProcessor(exporter)))
    stop, started = threading.Event(), threading.Event()
    made = 0

    def work() -> None:
        nonlocal made
        tracer = provider.get_tracer("app")
        while not stop.is_set():
            tracer.start_span("the application's").end()
            made += 1
            started.set()

    thread = threading.Thread(target=work)
    thread.start()
    started.wait(10)
    reports = [otel.testing.check(guard, tracer_provider=provider) for _ in range(3)]
    stop.set()
    thread.join()
    seen = guard.counters.get("seen", "span")
    provider.shutdown()

    assert all(report.is_clean for report in reports)
    assert {span.name for span in exporter.get_finished_spans()} == {"the application's"}
    assert seen == made


def test_it_is_put_back_also_where_the_check_breaks(
    guard: SessionGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = Network()
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard, BatchSpanProcessor(exporter)))
    logs = LoggerProvider(multi_log_record_processor=GuardedLogRecordProcessor(guard))

    def broken(_guard: Any, canaries: Any, _rehearsal: Any) -> Any:
        yield from ()
        raise RuntimeError(canaries.live)

    report = checked(guard, {"first": broken})
    monkeypatch.setattr("otel.testing.signals.end_span", broken)

    assert [str(path) for path in report.paths] == ["first: fault (the check raised RuntimeError)"]
    assert not report.is_clean
    otel.testing.check(guard, tracer_provider=provider, logger_provider=logs)
    assert "export" not in vars(exporter)
    assert guard._decider.decide.__self__ is guard._decider  # type: ignore[attr-defined]
    provider.shutdown()


def test_checks_of_one_guard_wait_for_each_other(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1"))
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(check(guard).is_clean)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [True] * 3
    assert "decide" not in vars(guard._decider)


def test_a_part_that_cannot_be_tapped_is_a_fault(guard: SessionGuard) -> None:
    class Closed(SpanExporter):
        __slots__ = ()

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

        def export(self, spans: Any) -> SpanExportResult:
            raise AssertionError("the network")

    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard, BatchSpanProcessor(Closed())))

    report = otel.testing.check(guard, tracer_provider=provider)

    assert [path.outcome for path in report.failures] == [Outcome.FAULT]
    provider.shutdown()


def test_an_edge_without_its_check_is_not_passed_over(
    guard: SessionGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the package runs from its sources without having been installed.
    monkeypatch.setattr("sentry_filters.testing.checking.entry_points", lambda group: [])

    told = {path.path: path.outcome for path in check(guard).paths}

    assert told["opentelemetry"] is Outcome.NOT_COVERED


def test_a_rehearsed_credential_takes_no_other_ones_place() -> None:
    redactor = Redactor()
    credentials = [f"credential-number-{number:04d}" for number in range(64)]
    for credential in credentials:
        redactor.register(credential)

    with redactor.registered("one-more-credential"):
        assert redactor.redact("one-more-credential") == "[REDACTED]"
        assert redactor.redact(credentials[0]) == "[REDACTED]"

    assert redactor.redact("one-more-credential") == "one-more-credential"
    assert redactor.redact(credentials[0]) == "[REDACTED]"


def test_counts_are_set_aside_by_context() -> None:
    counters = Counters()

    with counters.set_aside():
        counters.saw("event", "exported")
        with counters.taken_back():
            counters.add("faults", "inner")
        other = threading.Thread(target=counters.add, args=("faults", "other"))
        other.start()
        other.join()

    assert counters.snapshot() == {("faults", "inner"): 1, ("faults", "other"): 1}


def test_readable_spans_of_the_check_name_themselves(guard: SessionGuard) -> None:
    seen: list[ReadableSpan] = []

    class Watching(GuardedSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            seen.append(span)
            super().on_end(span)

    provider = TracerProvider(
        active_span_processor=Watching(guard, BatchSpanProcessor(InMemorySpanExporter()))
    )
    otel.testing.check(guard, tracer_provider=provider)

    # A subclass of the application's is called as always: it can tell canaries by their word.
    assert "canary" in seen[0].name
    provider.shutdown()
