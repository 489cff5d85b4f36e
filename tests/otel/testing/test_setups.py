"""Set-ups of OpenTelemetry that go round the guard: each is named, and a right one passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry import propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    ConsoleLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    InMemoryMetricReader,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    ReadableSpan,
    SpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel import (
    GuardedLogRecordProcessor,
    GuardedSpanProcessor,
    RedactingLogRecordExporter,
    RedactingMetricExporter,
    RedactingPropagator,
    RedactingSpanExporter,
)
from sentry_filters import Policy, SessionGuard
from sentry_filters.testing import Outcome
from tests.testing.reports import POLICY, failing, outcomes
from tests.testing.reports import check_providers as check


class Endless(MetricReader):
    """A reader that hands metrics to nobody that the SDK knows, as Prometheus' does."""

    def _receive_metrics(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> None: ...

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None: ...


def test_a_reader_without_exporter_is_named(guard: SessionGuard) -> None:
    report = check(guard, meter_provider=MeterProvider([Endless(), InMemoryMetricReader()]))

    assert failing(report) == ["opentelemetry metric reader Endless"]


def guarded_exporters(guard: SessionGuard) -> dict[str, Any]:
    tracers, loggers = TracerProvider(), LoggerProvider()
    tracers.add_span_processor(
        BatchSpanProcessor(RedactingSpanExporter(ConsoleSpanExporter(), guard.redactor))
    )
    loggers.add_log_record_processor(
        BatchLogRecordProcessor(RedactingLogRecordExporter(ConsoleLogRecordExporter(), guard.redactor))
    )
    return {"tracer_provider": tracers, "logger_provider": loggers}


def choke_points(guard: SessionGuard) -> dict[str, Any]:
    tracers = TracerProvider(active_span_processor=GuardedSpanProcessor(guard))
    loggers = LoggerProvider(multi_log_record_processor=GuardedLogRecordProcessor(guard))
    tracers.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
    tracers.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    loggers.add_log_record_processor(SimpleLogRecordProcessor(ConsoleLogRecordExporter()))
    exporter = RedactingMetricExporter(ConsoleMetricExporter(), guard.redactor, counters=guard.counters)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    return {
        "tracer_provider": tracers,
        "logger_provider": loggers,
        "meter_provider": MeterProvider([reader]),
    }


def in_threads(guard: SessionGuard) -> dict[str, Any]:
    several = ConcurrentMultiSpanProcessor(2)
    several.add_span_processor(GuardedSpanProcessor(guard, BatchSpanProcessor(ConsoleSpanExporter())))
    return {"tracer_provider": TracerProvider(active_span_processor=several)}


@pytest.mark.parametrize("setup", [guarded_exporters, choke_points, in_threads])
def test_a_right_set_up_passes(
    setup: Callable[[SessionGuard], dict[str, Any]], guard: SessionGuard, capfd: pytest.CaptureFixture[str]
) -> None:
    providers = setup(guard)

    report = check(guard, **providers)
    for provider in providers.values():
        provider.shutdown()

    assert failing(report) == []
    places = {outcome for path, outcome in outcomes(report).items() if " span: " in path or " log: " in path}
    assert places == {Outcome.CLEAN}
    assert "CANARY" not in "".join(capfd.readouterr())
    assert guard.gate.is_open
    assert guard.counters.get("seen") == 0


def test_two_exporters_of_one_kind_are_told_apart(guard: SessionGuard) -> None:
    provider = TracerProvider()
    provider.add_span_processor(GuardedSpanProcessor(guard, SimpleSpanProcessor(ConsoleSpanExporter())))
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))

    told = outcomes(check(guard, tracer_provider=provider))

    assert told["opentelemetry spans to ConsoleSpanExporter #1"] is Outcome.CLEAN
    assert told["opentelemetry spans to ConsoleSpanExporter #2"] is Outcome.BYPASS


def test_tracers_older_than_the_guard_are_named(guard: SessionGuard) -> None:
    provider = TracerProvider()
    early = provider.get_tracer("early")
    provider._active_span_processor = GuardedSpanProcessor(guard, SimpleSpanProcessor(ConsoleSpanExporter()))

    report = check(guard, tracer_provider=provider)

    assert early is not None
    assert failing(report) == ["opentelemetry tracers"]


class Sends(SpanProcessor):
    """A processor that sends by itself."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.sent.append(span.name)


class Labels(SpanProcessor):
    """A processor that only adds something at the start."""


class Keeps(SpanProcessor):
    """A processor that keeps spans back until it is flushed."""

    def __init__(self, exporter: Any) -> None:
        self.exporter, self.kept = exporter, list[ReadableSpan]()

    def on_end(self, span: ReadableSpan) -> None:
        self.kept.append(span)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        kept, self.kept = self.kept, []
        self.exporter.export(kept)
        return True


def test_a_processor_that_sends_by_itself_is_named(guard: SessionGuard) -> None:
    provider, sends = TracerProvider(), Sends()
    provider.add_span_processor(GuardedSpanProcessor(guard, SimpleSpanProcessor(ConsoleSpanExporter())))
    provider.add_span_processor(sends)
    provider.add_span_processor(Labels())

    report = check(guard, tracer_provider=provider)

    assert "opentelemetry spans to Sends" in failing(report)
    assert "opentelemetry spans to Labels" not in outcomes(report)
    assert sends.sent == []


class PrintsLogs(LogRecordExporter):
    """An exporter of logs that writes by an exporter of spans, as logfire's console does."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter, self.written = exporter, list[object]()

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.written += batch
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def test_an_exporter_of_logs_that_holds_one_of_spans_is_the_end(guard: SessionGuard) -> None:
    provider, prints = LoggerProvider(), PrintsLogs(ConsoleSpanExporter())
    provider.add_log_record_processor(SimpleLogRecordProcessor(prints))

    report = check(guard, logger_provider=provider)

    assert "opentelemetry logs to PrintsLogs" in failing(report)
    assert prints.written == []


def test_a_processor_that_keeps_spans_back_is_flushed(guard: SessionGuard) -> None:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    redacting = RedactingSpanExporter(exporter, guard.redactor, counters=guard.counters)
    keeps = Keeps(redacting)
    provider.add_span_processor(keeps)
    provider.get_tracer("app").start_span("the application's").end()

    report = check(guard, tracer_provider=provider)

    assert failing(report) == []
    assert outcomes(report)["opentelemetry span: name"] is Outcome.CLEAN
    assert [span.name for span in exporter.get_finished_spans()] == ["the application's"]
    assert guard.counters.get("exported", "span") == 1


def test_behind_another_guard_no_own_failure_is_tried(guard: SessionGuard) -> None:
    other = SessionGuard(POLICY, lambda event: None)
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(other))
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))

    report = check(guard, tracer_provider=provider)

    assert outcomes(report)["opentelemetry span recognition"] is Outcome.NOT_COVERED
    assert "opentelemetry spans to ConsoleSpanExporter" in failing(report)
    assert other.gate.is_open


def test_demoted_spans_are_not_expected_to_be_dropped() -> None:
    guard = SessionGuard(Policy(provider="OpenHuman", span_action="demote"), lambda event: None)
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard))
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))

    report = check(guard, tracer_provider=provider)

    assert failing(report) == []


@pytest.mark.parametrize(
    ("guarded", "outcome"), [(True, Outcome.CLEAN), (False, Outcome.NOT_COVERED)], ids=["guarded", "plain"]
)
def test_outgoing_baggage_is_clean_only_where_it_is_redacted(
    guarded: bool, outcome: Outcome, guard: SessionGuard
) -> None:
    before = propagate.get_global_textmap()
    plain = W3CBaggagePropagator()
    propagate.set_global_textmap(RedactingPropagator(plain, guard.redactor) if guarded else plain)
    try:
        told = outcomes(check(guard))
    finally:
        propagate.set_global_textmap(before)

    assert told["opentelemetry outgoing header: baggage"] is outcome
    assert told["opentelemetry outgoing header: trace state"] is Outcome.OFF


def test_an_exporter_that_raises_breaks_nothing(guard: SessionGuard) -> None:
    class Raises(RedactingSpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> Any:
            raise RuntimeError("broken")

    raises = Raises(ConsoleSpanExporter(), guard.redactor)
    provider = TracerProvider()
    provider.add_span_processor(Keeps(raises))

    report = check(guard, tracer_provider=provider)

    assert failing(report) == ["opentelemetry span"]
    assert report.failures[0].outcome is Outcome.FAULT
    assert "export" not in vars(raises)
