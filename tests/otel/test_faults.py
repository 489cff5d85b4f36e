"""Faults of processors, of the redactor and of our own: nothing raises, nothing raw leaves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import pytest
from opentelemetry import trace
from opentelemetry.baggage import set_baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from otel import (
    GuardedLogRecordProcessor,
    GuardedSpanProcessor,
    RedactingPropagator,
    RedactingSpanExporter,
    observe_counters,
)
from sentry_filters import Policy, Redactor, SessionGuard
from sentry_filters.evidence import conventions
from sentry_filters.redaction import DOUBT, WITHHELD, Look
from tests.otel.conftest import Traces


class Broken(SpanProcessor, LogRecordProcessor):
    """Raises wherever the SDK calls it."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        raise ValueError("on_start")

    def _on_ending(self, span: Span) -> None:
        raise ValueError("_on_ending")

    def on_end(self, span: ReadableSpan) -> None:
        raise self._error

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        raise self._error

    def shutdown(self) -> None:
        raise ValueError("shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        raise ValueError("force_flush")


class BrokenRedactor(Redactor):
    """Raises where a real one never does."""

    def redact(self, text: str) -> NoReturn:
        raise RuntimeError("broken")

    def redact_value(self, value: object) -> NoReturn:
        raise RuntimeError("broken")

    def scrub(self, value: object, look: Look = DOUBT) -> NoReturn:
        raise RuntimeError("broken")

    def are_clean_texts(self, texts: Sequence[str]) -> bool:
        raise ValueError("are_clean_texts")


@pytest.mark.promise("never-raises")
def test_a_processor_that_raises_stops_neither_the_application_nor_later_processors(
    guard: SessionGuard,
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        active_span_processor=GuardedSpanProcessor(guard, Broken(ValueError()), SimpleSpanProcessor(exporter))
    )
    provider.get_tracer("app").start_span("work").end()
    assert [span.name for span in exporter.get_finished_spans()] == ["work"]
    assert provider.force_flush() is False
    provider.shutdown()
    provider.get_tracer("app").start_span("late").end()
    assert [span.name for span in exporter.get_finished_spans()] == ["work"]
    assert guard.counters.get("faults", "span_processor") >= 4


def test_an_interrupt_is_raised_once_every_processor_has_run(guard: SessionGuard) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(
        GuardedSpanProcessor(guard, Broken(KeyboardInterrupt()), SimpleSpanProcessor(exporter))
    )
    span = provider.get_tracer("app").start_span("work")
    with pytest.raises(KeyboardInterrupt):
        span.end()
    assert len(exporter.get_finished_spans()) == 1


def test_a_log_processor_that_raises_stops_neither_the_application_nor_later_processors(
    guard: SessionGuard,
) -> None:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(
        multi_log_record_processor=GuardedLogRecordProcessor(
            guard, Broken(ValueError()), SimpleLogRecordProcessor(exporter)
        )
    )
    provider.get_logger("app").emit(body="work")
    assert len(exporter.get_finished_logs()) == 1
    assert provider.force_flush() is False
    provider.shutdown()
    assert guard.counters.get("faults", "log_processor") >= 3


@pytest.mark.promise("withheld")
def test_what_cannot_be_redacted_is_withheld_and_counted(
    guard: SessionGuard, caplog: pytest.LogCaptureFixture
) -> None:
    guard.redactor = BrokenRedactor()
    spans = InMemorySpanExporter()
    tracing = TracerProvider(active_span_processor=GuardedSpanProcessor(guard, SimpleSpanProcessor(spans)))
    records = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    logging = LoggerProvider(
        multi_log_record_processor=GuardedLogRecordProcessor(guard, SimpleLogRecordProcessor(records))
    )
    tracing.get_tracer("app").start_span("raw").end()
    logging.get_logger("app").emit(body="raw")
    (span,) = spans.get_finished_spans()  # it was handed on before its redaction failed: it says nothing
    assert (span.name, span.attributes, span.events, span.links) == (WITHHELD, {}, (), ())
    assert "raw" not in span.to_json()
    assert records.get_finished_logs() == ()
    assert guard.counters.get("exported", "span") == 0
    assert guard.counters.get("withheld", "span", "fault") == 1
    assert guard.counters.get("withheld", "log", "fault") == 1
    assert {record.levelname for record in caplog.records if record.name == "sentry_filters"} == {"WARNING"}


def test_an_exporter_withholds_what_cannot_be_redacted(caplog: pytest.LogCaptureFixture) -> None:
    inner = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(RedactingSpanExporter(inner, BrokenRedactor())))
    for _ in range(3):
        provider.get_tracer("app").start_span("raw").end()
    assert inner.get_finished_spans() == ()
    assert len([record for record in caplog.records if record.name == "sentry_filters"]) == 1


def test_baggage_that_cannot_be_redacted_is_not_propagated() -> None:
    carrier: dict[str, str] = {}
    RedactingPropagator(W3CBaggagePropagator(), BrokenRedactor()).inject(carrier, set_baggage("a", "raw"))
    assert carrier == {}


def test_recognition_that_fails_keeps_the_span(guard: SessionGuard, traces: Traces) -> None:
    class Hostile(str):
        __slots__ = ()

        def __hash__(self) -> int:
            return super().__hash__()

        def strip(self, *_: object) -> NoReturn:
            raise RuntimeError("hostile")

    span = ReadableSpan(
        "POST",
        context=trace.SpanContext(1, 2, is_remote=False),
        attributes={conventions.HTTP_STATUS[0]: Hostile("401")},
        status=trace.Status(StatusCode.ERROR),
    )
    GuardedSpanProcessor(guard, SimpleSpanProcessor(traces.exporter)).on_end(span)
    assert guard.counters.get("faults", "recognise_span") == 1
    assert guard.counters.get("exported", "span") == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_after_a_fork_both_sides_go_on(traces: Traces, guard: SessionGuard) -> None:
    with traces.tracer.start_as_current_span("turn"):
        child = os.fork()
        if child == 0:
            try:
                with traces.tracer.start_as_current_span("in child"):
                    pass
                good = traces.one("in child") is not None and guard.counters.get("exported", "span") == 1
                os._exit(0 if good else 1)
            finally:
                os._exit(2)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert [span.name for span in traces.exported] == ["turn"]
    assert guard.counters.get("seen", "span") == 1


def test_many_threads_lose_nothing(guard: SessionGuard) -> None:
    class Count(SpanProcessor):
        def __init__(self) -> None:
            self.ended: list[int] = []

        def on_end(self, span: ReadableSpan) -> None:
            self.ended.append(span.context.span_id if span.context else 0)

    count = Count()
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard, count))
    tracer = provider.get_tracer("app")

    def work(thread: int) -> None:
        for number in range(25_000):
            span = tracer.start_span("work", Context())
            span.set_attribute("n", f"{thread}-{number}")
            span.end()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(set(count.ended)) == 100_000
    assert guard.counters.get("seen", "span") == guard.counters.get("exported", "span") == 100_000


def test_counters_are_metrics_with_few_labels() -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    reader = InMemoryMetricReader()
    observe_counters(guard, MeterProvider([reader]))
    guard.report("failed", operation="chat", provider="OpenHuman", status=401)
    guard.report("failed", operation="chat", provider="OpenAI", status=401)
    data = reader.get_metrics_data()
    assert data is not None
    points = {
        metric.name: [
            (dict(point.attributes or {}), point.value)
            for point in metric.data.data_points
            if isinstance(point, NumberDataPoint) and point.value
        ]
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert points["sentry_filters.session_expired"] == [
        ({"source": "llm_provider.openhuman_backend", "confirmed": "false", "handled": "true"}, 1)
    ]
    decided = {(labels["verdict"], labels["reason"]) for labels, _ in points["sentry_filters.decisions"]}
    assert decided == {("drop", "backend_session_expired"), ("keep", "other_provider")}
    guard.close()
