"""The SDK's seams that `otel.redaction.sdk_records` relies on, and what a rebuilt record keeps."""

from __future__ import annotations

from opentelemetry.sdk._logs import LoggerProvider, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags

from otel import GuardedLogRecordProcessor
from otel.redaction import sdk_records
from sentry_filters import SessionGuard
from tests.otel.canary import secret
from tests.otel.conftest import Traces


def a_full_span() -> ReadableSpan:
    """A span whose limits dropped some of everything."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        span_limits=SpanLimits(max_attributes=2, max_events=2, max_links=1, max_event_attributes=1)
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    links = [Link(SpanContext(1, n, is_remote=True, trace_flags=TraceFlags(1))) for n in (2, 3)]
    span = provider.get_tracer("app", "1.0").start_span("work", kind=SpanKind.CLIENT, links=links)
    for number in range(4):
        span.set_attribute(f"a{number}", number)
        span.add_event(f"e{number}", {"x": 1, "y": 2})
    span.end()
    (ended,) = exporter.get_finished_spans()
    return ended


def test_private_seams_are_where_they_are_expected() -> None:
    span = a_full_span()
    assert len(span._events) == 2
    assert len(span._links) == 1
    assert hasattr(span, "_instrumentation_info")
    assert type(span.attributes.copy()) is dict  # type: ignore[union-attr]
    assert set(sdk_records.preferences_of(ConsoleMetricExporter())) == {
        "preferred_temporality",
        "preferred_aggregation",
    }
    assert hasattr(ConsoleMetricExporter(), "_preferred_temporality")


def test_a_rebuilt_span_keeps_everything_but_the_change() -> None:
    span = a_full_span()
    rebuilt = sdk_records.rebuilt_span(span, name="other")
    assert rebuilt.name == "other"
    for name in (
        *("context", "parent", "kind", "start_time", "end_time", "status", "resource", "attributes"),
        *("instrumentation_scope", "dropped_attributes", "dropped_events", "dropped_links", "links"),
    ):
        assert getattr(rebuilt, name) == getattr(span, name), name
    assert rebuilt.dropped_attributes == rebuilt.dropped_events == 2
    assert rebuilt.dropped_links == 1
    assert [event.name for event in rebuilt.events] == ["e2", "e3"]


def test_unchanged_spans_pass_with_the_same_values_and_changed_ones_leave_the_original_alone(
    traces: Traces,
) -> None:
    span = a_full_span()
    processor = traces.provider._active_span_processor
    processor.on_end(span)
    assert vars(traces.exported[0]) == vars(span)
    dirty = sdk_records.rebuilt_span(span, name=f"call {secret(1)}")
    processor.on_end(dirty)
    assert traces.exported[1].name == "call [REDACTED]"
    assert dirty.name == f"call {secret(1)}"
    assert traces.exported[1].dropped_events == 2


def test_attributes_may_be_a_plain_dict_as_behind_logfires_processors(traces: Traces) -> None:
    span = ReadableSpan(
        "work",
        SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1)),
        attributes={"key": secret(1), "n": 1},
    )
    traces.provider._active_span_processor.on_end(span)
    assert dict(traces.exported[0].attributes or {}) == {"key": "[REDACTED]", "n": 1}


def test_a_log_record_of_the_application_is_never_changed(guard: SessionGuard) -> None:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    seen: list[ReadWriteLogRecord] = []

    class Before(GuardedLogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            seen.append(log_record)
            super().on_emit(log_record)

    provider = LoggerProvider(multi_log_record_processor=Before(guard, BatchLogRecordProcessor(exporter)))
    provider.get_logger("app").emit(body=f"with {secret(1)}", attributes={"key": secret(2)})
    provider.shutdown()
    (exported,) = exporter.get_finished_logs()
    assert exported.log_record.body == "with [REDACTED]"
    assert seen[0].log_record.body == f"with {secret(1)}"
    assert (seen[0].log_record.attributes or {})["key"] == secret(2)
