"""OpenTelemetry: one place leaks, and the check names it and the exporter, and no other place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    ConsoleLogRecordExporter,
    InMemoryLogRecordExporter,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    Event,
    ReadableSpan,
    SpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceState

from otel import (
    GuardedLogRecordProcessor,
    GuardedSpanProcessor,
    RedactingMetricExporter,
)
from sentry_filters import SessionGuard
from tests.testing.reports import check_providers as check
from tests.testing.reports import failing


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
        "opentelemetry span recognition: your own session's 401 is dropped",
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
        "opentelemetry log recognition: your own session's 401 is dropped",
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
