"""A check of pipelines puts them back, and stands in no other span's way."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel.testing
from otel import GuardedLogRecordProcessor, GuardedSpanProcessor
from sentry_filters import SessionGuard
from sentry_filters.testing import Outcome
from sentry_filters.testing.checking import checked


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
    assert guard.report("a 401", operation="chat", provider=guard.policy.provider, status=401).drop
    assert not guard.gate.is_open, "the guard decides as before"
    provider.shutdown()


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
