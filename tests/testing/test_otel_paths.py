"""OpenTelemetry: one place leaks, and the check names it and the exporter, and no other place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry import propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    ConsoleLogRecordExporter,
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    Event,
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
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceState

import otel.testing
from otel import (
    GuardedLogRecordProcessor,
    GuardedSpanProcessor,
    RedactingLogRecordExporter,
    RedactingMetricExporter,
    RedactingPropagator,
    RedactingSpanExporter,
)
from sentry_filters import Policy, SessionGuard
from sentry_filters.testing import Outcome, Report

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})
IDLE = {
    "tracer_provider": TracerProvider(),
    "logger_provider": LoggerProvider(),
    "meter_provider": MeterProvider(),
}


@pytest.fixture
def guard() -> SessionGuard:
    return SessionGuard(POLICY, lambda event: None)


def check(guard: SessionGuard, **providers: Any) -> Report:
    return otel.testing.check(guard, **{**IDLE, **providers})


def outcomes(report: Report) -> dict[str, Outcome]:
    return {path.path: path.outcome for path in report.paths}


def failing(report: Report) -> list[str]:
    return [path.path for path in report.failures]


def a_scope(name: str = "canary", attributes: Any = None) -> InstrumentationScope:
    return InstrumentationScope(name, attributes=attributes)


def _plain(state: TraceState | None, context: SpanContext | None) -> SpanContext:
    assert context is not None
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags, state)


def first(items: Mapping[str, Any] | None, *, keyed: bool) -> dict[str, Any]:
    """The attributes whose key is, or is not, the canary itself."""
    return {key: value for key, value in (items or {}).items() if ("CANARY" in key) is keyed}


SPAN: dict[str, Callable[[ReadableSpan], dict[str, Any]]] = {
    "resource": lambda span: {"resource": span.resource},
    "scope": lambda span: {"instrumentation_scope": a_scope(span.instrumentation_scope.name)},  # type: ignore[union-attr]
    "scope attribute": lambda span: {
        "instrumentation_scope": a_scope(attributes=span.instrumentation_scope.attributes)  # type: ignore[union-attr]
    },
    "link's trace state": lambda span: {"links": [Link(span.links[0].context)]},
    "name": lambda span: {"name": span.name},
    "trace state": lambda span: {"context": span.context},
    "link": lambda span: {
        "links": [Link(_plain(None, span.links[0].context), span.links[0].attributes)],
    },
    "attribute": lambda span: {"attributes": first(span.attributes, keyed=False)},
    "attribute key": lambda span: {"attributes": first(span.attributes, keyed=True)},
    "event": lambda span: {"events": [Event(span.events[0].name)]},
    "event attribute": lambda span: {"events": [Event("canary", span.events[0].attributes)]},
    "status": lambda span: {"status": span.status},
}


class BesideSpans(SpanProcessor):
    """A processor beside the guard that exports a part of every span."""

    def __init__(self, part: Callable[[ReadableSpan], dict[str, Any]]) -> None:
        self.part = part
        self.exporter = InMemorySpanExporter()

    def on_end(self, span: ReadableSpan) -> None:
        fields = {"name": "canary", "context": _plain(None, span.context), **self.part(span)}
        self.exporter.export([ReadableSpan(**fields)])


@pytest.mark.parametrize("place", SPAN)
def test_a_leak_in_a_span_names_its_place(place: str, guard: SessionGuard) -> None:
    provider = TracerProvider()
    beside = BesideSpans(
        lambda span: SPAN[place](span) if span.attributes and "note" in span.attributes else {}
    )
    provider.add_span_processor(GuardedSpanProcessor(guard, BatchSpanProcessor(ConsoleSpanExporter())))
    provider.add_span_processor(beside)

    report = check(guard, tracer_provider=provider)

    assert failing(report) == [
        "opentelemetry spans to InMemorySpanExporter",
        f"opentelemetry span: {place}",
        "opentelemetry span recognition: the own session's 401 is dropped",
    ]
    assert f"opentelemetry span: {place}: leak (through InMemorySpanExporter)" in map(str, report.paths)
    assert beside.exporter.get_finished_spans() == ()
    provider.shutdown()


def of_record(record: Any, **fields: Any) -> ReadableLogRecord:
    log = type(record.log_record)(context=record.log_record.context)
    log.trace_id, log.body, log.attributes = record.log_record.trace_id, "canary", {}
    for name, value in fields.items():
        setattr(log, name, value)
    return ReadableLogRecord(log, Resource({}), a_scope())


LOG: dict[str, Callable[[Any], ReadableLogRecord]] = {
    "resource": lambda record: replace(of_record(record), resource=record.resource),
    "scope attribute": lambda record: replace(
        of_record(record), instrumentation_scope=record.instrumentation_scope
    ),
    "body": lambda record: of_record(record, body=record.log_record.body),
    "map in body": lambda record: of_record(record, body=record.log_record.body),
    "bytes in body": lambda record: of_record(record, body=record.log_record.body),
    "attribute key": lambda record: of_record(
        record, attributes=first(record.log_record.attributes, keyed=True)
    ),
    "attribute": lambda record: of_record(
        record, attributes=first(record.log_record.attributes, keyed=False)
    ),
    "event name": lambda record: of_record(record, event_name=record.log_record.event_name),
}
BODIES = {"body": str, "map in body": dict, "bytes in body": bytes}


class BesideLogs(LogRecordProcessor):
    """A processor beside the guard that exports a part of every record."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        body = log_record.log_record.body
        whole = isinstance(body, BODIES.get(self.place, object)) and body != "canary"
        self.exporter.export([LOG[self.place](log_record) if whole else of_record(log_record)])

    def shutdown(self) -> None:
        self.exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


@pytest.mark.parametrize("place", LOG)
def test_a_leak_in_a_log_record_names_its_place(place: str, guard: SessionGuard) -> None:
    provider = LoggerProvider()
    beside = BesideLogs(place)
    provider.add_log_record_processor(
        GuardedLogRecordProcessor(guard, BatchLogRecordProcessor(ConsoleLogRecordExporter()))
    )
    provider.add_log_record_processor(beside)

    report = check(guard, logger_provider=provider)

    assert failing(report) == [
        "opentelemetry logs to InMemoryLogRecordExporter",
        f"opentelemetry log: {place}",
        "opentelemetry log recognition: the own session's 401 is dropped",
    ]
    assert beside.exporter.get_finished_logs() == ()
    provider.shutdown()


def of_metrics(data: MetricsData, part: str) -> MetricsData:
    """Only one place of the metrics as it is."""
    (of_resource,) = data.resource_metrics
    (of_scope,) = of_resource.scope_metrics
    kept = []
    for metric in of_scope.metrics:
        (point,) = metric.data.data_points
        exemplars = point.exemplars if part == "exemplar" and metric.name.endswith("filtered") else []
        attributes = point.attributes if part == "attribute" and metric.name.endswith("count") else {}
        new = replace(point, attributes=attributes, exemplars=exemplars)
        description = metric.description if part == "description" else ""
        points: Any = metric.data
        kept.append(replace(metric, description=description, data=replace(points, data_points=[new])))
    scope = of_scope.scope if part == "scope attribute" else a_scope()
    resource = of_resource.resource if part == "resource" else Resource({})
    return MetricsData(
        [
            replace(
                of_resource, resource=resource, scope_metrics=[replace(of_scope, scope=scope, metrics=kept)]
            )
        ]
    )


class LeakyMetricExporter(RedactingMetricExporter):
    """Sends one place unredacted, beside what is redacted."""

    def __init__(self, exporter: MetricExporter, guard: SessionGuard, part: str) -> None:
        super().__init__(exporter, guard.redactor)
        self.end, self.part = exporter, part

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        self.end.export(of_metrics(metrics_data, self.part))
        return super().export(metrics_data, timeout_millis, **kwargs)


@pytest.mark.parametrize("place", ["resource", "scope attribute", "description", "attribute", "exemplar"])
def test_a_leak_in_a_metric_names_its_place(
    place: str, guard: SessionGuard, capfd: pytest.CaptureFixture[str]
) -> None:
    exporter = LeakyMetricExporter(ConsoleMetricExporter(), guard, place)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)])

    report = check(guard, meter_provider=provider)
    provider.shutdown()

    assert failing(report) == [
        "opentelemetry metrics to ConsoleMetricExporter",
        f"opentelemetry metric: {place}",
    ]
    assert "CANARY" not in "".join(capfd.readouterr())


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
    provider = TracerProvider(active_span_processor=BesideSpans(lambda span: {}))  # type: ignore[arg-type]
    provider._active_span_processor.exporter = raises  # type: ignore[union-attr]

    report = check(guard, tracer_provider=provider)

    assert failing(report) == ["opentelemetry span"]
    assert report.failures[0].outcome is Outcome.FAULT
    assert "export" not in vars(raises)
