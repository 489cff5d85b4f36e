"""A secret in every place of a span, log record and metric: none in the bytes that a receiver gets."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel import (
    GuardedLogRecordProcessor,
    GuardedSpanProcessor,
    RedactingLogRecordExporter,
    RedactingMetricExporter,
    RedactingPropagator,
    RedactingSpanExporter,
)
from sentry_filters import SessionGuard
from tests.otel.canary import HARMLESS, secret
from tests.otel.instrumented import require_group
from tests.support.otlp import OTLPReceiver, attributes_of, value_of


@pytest.fixture
def receiver() -> Iterator[OTLPReceiver]:
    require_group()
    with OTLPReceiver() as server:
        yield server


def otlp(signal: str, receiver: OTLPReceiver) -> Any:
    """The real OTLP/HTTP exporter of a signal."""
    module, kind, path = {
        "span": ("trace_exporter", "OTLPSpanExporter", "traces"),
        "log": ("_log_exporter", "OTLPLogExporter", "logs"),
        "metric": ("metric_exporter", "OTLPMetricExporter", "metrics"),
    }[signal]
    exporter = getattr(importlib.import_module(f"opentelemetry.exporter.otlp.proto.http.{module}"), kind)
    return exporter(endpoint=f"{receiver.url}/v1/{path}")


def assert_no_secret(data: bytes) -> None:
    assert b"Zk3JvQ8mX2pL9wRt5Yb7" not in data
    assert HARMLESS.encode() in data


def a_resource() -> Resource:
    return Resource({"service.name": HARMLESS, "process.command_args": ("app", f"--token={secret(1)}")})


def make_a_span(provider: TracerProvider) -> None:
    state = TraceState([("vendor", secret(2)), ("other", HARMLESS)])
    remote = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    parent = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    tracer = provider.get_tracer(HARMLESS, attributes={"scope": secret(3)})
    span = tracer.start_span(
        f"call {secret(4)}", parent, links=[Link(remote, {"why": secret(5), "note": HARMLESS})]
    )
    span.set_attribute("http.url", f"https://api.example.ai/v1?api_key={secret(6)}&page=2")
    span.set_attribute("gen_ai.input.messages", {"role": "user", "content": f"my key is {secret(7)}"})
    span.set_attribute("list", ["a", secret(8)])
    span.set_attribute("bytes", secret(9).encode())
    span.set_attribute(secret(10), HARMLESS)
    span.set_attribute("password", "hunter2-and-more")
    span.set_attribute("gen_ai.usage.input_tokens", 812)
    span.add_event(f"event {secret(11)}", {"exception.message": secret(12), "note": HARMLESS})
    span.set_status(Status(StatusCode.ERROR, f"401 for {secret(13)}"))
    span.end()


@pytest.mark.promise("redaction-otel")
@pytest.mark.integration
@pytest.mark.parametrize("choke_point", ["processor", "exporter"])
def test_spans(choke_point: str, guard: SessionGuard, receiver: OTLPReceiver) -> None:
    exporter = otlp("span", receiver)
    if choke_point == "processor":
        provider = TracerProvider(resource=a_resource(), active_span_processor=GuardedSpanProcessor(guard))
    else:
        provider = TracerProvider(resource=a_resource())
        exporter = RedactingSpanExporter(exporter, guard.redactor, counters=guard.counters)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    make_a_span(provider)
    provider.shutdown()
    assert_no_secret(receiver.bytes)
    assert b"hunter2" not in receiver.bytes
    (span,) = receiver.spans
    attributes = attributes_of(span)
    assert attributes["gen_ai.usage.input_tokens"] == 812
    assert attributes["http.url"].startswith("https://api.example.ai/v1?api_key=[REDACTED]")
    assert attributes["gen_ai.input.messages"]["role"] == "user"
    assert "other=" + HARMLESS in span.trace_state
    assert span.trace_id == (1).to_bytes(16, "big")
    assert span.parent_span_id == (2).to_bytes(8, "big")
    assert guard.counters.get("redactions", "span") >= 13
    assert guard.counters.get("exported", "span") == 1


@pytest.mark.promise("redaction-otel")
@pytest.mark.integration
@pytest.mark.parametrize("choke_point", ["processor", "exporter"])
def test_log_records(choke_point: str, guard: SessionGuard, receiver: OTLPReceiver) -> None:
    exporter = otlp("log", receiver)
    if choke_point == "processor":
        provider = LoggerProvider(
            resource=a_resource(), multi_log_record_processor=GuardedLogRecordProcessor(guard)
        )
    else:
        provider = LoggerProvider(resource=a_resource())
        exporter = RedactingLogRecordExporter(exporter, guard.redactor, counters=guard.counters)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger(HARMLESS, attributes={"scope": secret(3)})
    bodies: list[Any] = [
        f"text {secret(4)}",
        {"m": secret(5), "n": [HARMLESS, secret(6)]},
        secret(7).encode(),
    ]
    for body in bodies:
        logger.emit(
            body=body,
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            attributes={"key": secret(8), secret(9): HARMLESS},
            event_name=f"event.{secret(10)}",
        )
    logger.emit(body="failed", exception=ValueError(secret(11)))
    provider.shutdown()
    assert_no_secret(receiver.bytes)
    assert len(receiver.logs) == 4
    assert value_of(receiver.logs[1].body)["n"][0] == HARMLESS
    assert guard.counters.get("exported", "log") == 4


@pytest.mark.promise("otel-metrics")
@pytest.mark.integration
def test_metrics_and_their_exemplars(guard: SessionGuard, receiver: OTLPReceiver) -> None:
    exporter = RedactingMetricExporter(otlp("metric", receiver), guard.redactor, counters=guard.counters)
    provider = MeterProvider(
        [PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)],
        resource=a_resource(),
        views=[View(instrument_name="filtered", attribute_keys={"kept"})],
    )
    meter = provider.get_meter(HARMLESS, attributes={"scope": secret(3)})
    counter = meter.create_counter("requests", description=f"of {secret(4)}")
    counter.add(1, {"key": secret(5)})
    counter.add(2, {"key": secret(6)})
    with TracerProvider().get_tracer("t").start_as_current_span("sampled"):
        meter.create_counter("filtered").add(1, {"kept": HARMLESS, "gone": secret(7)})
    provider.shutdown()
    assert_no_secret(receiver.bytes)
    by_name = {metric.name: metric for metric in receiver.metrics}
    (merged,) = by_name["requests"].sum.data_points
    assert merged.as_int == 3
    (point,) = by_name["filtered"].sum.data_points
    (exemplar,) = point.exemplars
    assert {item.key for item in exemplar.filtered_attributes} == {"gone"}
    assert len(exemplar.span_id) == 8


@pytest.mark.promise("otel-baggage")
def test_outgoing_headers(guard: SessionGuard) -> None:
    propagator = RedactingPropagator(
        CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()]), guard.redactor
    )
    state = TraceState([("vendor", secret(1)), ("other", HARMLESS)])
    span = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1), trace_state=state)
    context = trace.set_span_in_context(trace.NonRecordingSpan(span))
    context = baggage.set_baggage("note", HARMLESS, context)
    context = baggage.set_baggage("session", secret(2), context)
    carrier: dict[str, str] = {}
    propagator.inject(carrier, context)
    assert_no_secret(repr(carrier).encode())
    assert carrier["traceparent"] == f"00-{1:032x}-{2:016x}-01"
    assert f"note={HARMLESS}" in carrier["baggage"]
    received = propagator.extract(carrier)
    assert baggage.get_baggage("note", received) == HARMLESS
    assert propagator.fields == {"traceparent", "tracestate", "baggage"}
