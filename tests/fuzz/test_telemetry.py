"""Target: OpenTelemetry's spans with events, links and statuses, logs, and metrics."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceState

from otel import (
    GuardedLogRecordProcessor,
    GuardedSpanProcessor,
    RedactingMetricExporter,
    RedactingSpanExporter,
)
from sentry_filters import Policy, Redactor, SessionGuard
from tests.fuzz import oracle
from tests.fuzz.strategies import HOST, PROVIDER, keys, odd_keys, quick, statements, statuses, texts, values

pytestmark = pytest.mark.filterwarnings("ignore:Log record attributes were dropped")  # by the SDK
logging.getLogger("opentelemetry").setLevel(
    logging.CRITICAL
)  # the SDK warns of each attribute that it refuses

_GUARD = SessionGuard(Policy(provider=PROVIDER, hosts={HOST}), lambda event: None)
_SPANS = InMemorySpanExporter()
_TRACES = TracerProvider(active_span_processor=GuardedSpanProcessor(_GUARD), shutdown_on_exit=False)
_TRACES.add_span_processor(SimpleSpanProcessor(_SPANS))
_RECORDS = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
_LOGS = LoggerProvider(multi_log_record_processor=GuardedLogRecordProcessor(_GUARD), shutdown_on_exit=False)
_LOGS.add_log_record_processor(SimpleLogRecordProcessor(_RECORDS))

_names = st.sampled_from(
    [
        "domain", "operation", "provider", "status", "failure", "http.response.status_code",
        "http.status_code", "url.full", "http.url", "server.address", "server.port", "error.type",
        "gen_ai.usage.input_tokens", "exception.message",
    ]
)  # fmt: skip
_attribute_values = (
    values | statuses | st.sampled_from([PROVIDER, HOST, f"https://{HOST}/v1/chat/completions"]) | statements
)
_attributes = st.dictionaries(_names | keys, _attribute_values, max_size=5)
_odd_attributes = st.dictionaries(_names | odd_keys, _attribute_values, max_size=5)


@quick
@given(
    name=texts,
    attributes=_odd_attributes,
    events=st.lists(st.tuples(texts, _attributes), max_size=3),
    links=st.lists(_attributes, max_size=2),
    status=st.sampled_from(StatusCode),
    description=statements | texts,
)
def test_a_span_of_anything_passes_once_and_clean(
    name: str,
    attributes: dict[str, Any],
    events: list[tuple[str, dict[str, Any]]],
    links: list[dict[str, Any]],
    status: StatusCode,
    description: str,
) -> None:
    _SPANS.clear()
    context = SpanContext(1, 2, is_remote=True)

    span: Any = _TRACES.get_tracer("fuzz").start_span(name, links=[Link(context, of) for of in links])
    for key, value in attributes.items():
        span.set_attribute(key, value)
    for of_event, its_attributes in events:
        span.add_event(of_event, its_attributes)
    span.set_status(Status(status, description if status is StatusCode.ERROR else None))
    span.end()
    _TRACES.force_flush()

    exported = _SPANS.get_finished_spans()
    assert len(exported) == 1 or oracle.speaks_of_the_backend(name, attributes, events, description)
    for one in exported:
        assert not oracle.holds_the_canary(*texts_of(one))


@quick
@given(name=values, attributes=_odd_attributes, state=texts, description=values, event=values)
def test_an_exporter_gets_no_canary_from_a_span_that_no_sdk_would_make(
    name: Any, attributes: Any, state: str, description: Any, event: Any
) -> None:
    exporter = InMemorySpanExporter()
    status = Status(StatusCode.ERROR)
    odd_events: list[Any] = [Event("e", {"x": event}), *([event] if isinstance(event, bytes) else [])]
    status._description = description
    odd = ReadableSpan(
        name=name,
        context=SpanContext(1, 2, is_remote=False, trace_state=TraceState([("vendor", state)])),
        attributes=attributes,
        events=odd_events,
        status=status,
    )

    RedactingSpanExporter(exporter, _GUARD.redactor).export([odd])

    for one in exporter.get_finished_spans():
        assert not oracle.holds_the_canary(*texts_of(one))


_REMEMBERING = RedactingSpanExporter(_SPANS_OF_MANY := InMemorySpanExporter(), _GUARD.redactor)


@quick
@given(spans=st.lists(st.tuples(texts, _odd_attributes), min_size=1, max_size=3))
def test_what_an_exporter_remembers_of_others_changes_no_span(
    spans: list[tuple[str, dict[str, Any]]],
) -> None:
    _SPANS_OF_MANY.clear()
    fresh = InMemorySpanExporter()
    context = SpanContext(1, 2, is_remote=False)
    ended = [ReadableSpan(name=name, context=context, attributes=of) for name, of in spans]

    _REMEMBERING.export(ended)
    for one in ended:  # and each alone: what is judged together is judged as it is alone
        RedactingSpanExporter(fresh, Redactor()).export([one])

    shown = [
        [oracle.shown_as(texts_of(one)) for one in exporter.get_finished_spans()]
        for exporter in (_SPANS_OF_MANY, fresh)
    ]
    assert shown[0] == shown[1]


@quick
@given(body=values | statements, attributes=_odd_attributes, event_name=texts)
def test_a_log_record_of_anything_passes_once_and_clean(body: Any, attributes: Any, event_name: str) -> None:
    _RECORDS.clear()
    faults = _GUARD.counters.get("faults")

    _LOGS.get_logger("fuzz").emit(body=body, attributes=attributes, event_name=event_name)

    exported = _RECORDS.get_finished_logs()
    withheld = _GUARD.counters.get("faults") > faults
    assert len(exported) == 1 or withheld or oracle.speaks_of_the_backend(body, attributes)
    for one in exported:
        record = one.log_record
        assert not oracle.holds_the_canary(record.body, plain(record.attributes), record.event_name)


class _Kept(MetricExporter):
    def __init__(self) -> None:
        super().__init__()
        self.data: list[MetricsData] = []

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 0, **kwargs: Any
    ) -> MetricExportResult:
        self.data.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
        return None


@quick
@given(series=st.lists(st.tuples(_attributes, st.integers(0, 2**40)), max_size=4), description=texts)
def test_metrics_with_any_labels_are_exported_clean(
    series: list[tuple[dict[str, Any], int]], description: str
) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    meter = provider.get_meter("fuzz")
    counter = meter.create_counter("total", description=description)
    histogram = meter.create_histogram("sizes", description=description)
    for labels, value in series:
        try:
            counter.add(value, labels)
            histogram.record(value, labels)
        except Exception:
            return  # the SDK refuses it, without us
    data = reader.get_metrics_data()
    provider.shutdown()
    kept = _Kept()

    if data is not None:
        RedactingMetricExporter(kept, _GUARD.redactor).export(data)

    for out in kept.data:
        for metric in (m for r in out.resource_metrics for s in r.scope_metrics for m in s.metrics):
            points = [plain(point.attributes) for point in metric.data.data_points]
            assert not oracle.holds_the_canary(metric.name, metric.description, points)


def texts_of(span: ReadableSpan) -> list[object]:
    """Return everything in a span that an exporter would write."""
    context = span.context
    return [
        span.name,
        plain(span.attributes),
        [(event.name, plain(event.attributes)) for event in span.events],
        [plain(link.attributes) for link in span.links],
        span.status.description,
        [] if context is None else list(context.trace_state.items()),
    ]


def plain(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return attributes as a dict."""
    return dict(attributes or {})
