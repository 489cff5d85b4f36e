"""A canary for every place of a span, a log record, a metric and an outgoing header."""

from __future__ import annotations

from typing import Any

from opentelemetry import baggage, propagate, trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState

from sentry_filters.testing import Canaries

__all__ = ["emit_log", "end_span", "metrics", "outgoing_headers", "report_log", "report_span"]

_SPAN_ID = 0x5F


def end_span(canaries: Canaries, processor: Any) -> None:
    """End a span in front of `processor`, as any tracer of its provider does."""
    at = canaries.at
    tracer = _tracers(processor, at("span: resource")).get_tracer(
        at("span: scope"), attributes={"note": at("span: scope attribute")}
    )
    linked = SpanContext(1, 1, is_remote=True, trace_state=_state(canaries, "span: link's trace state"))
    span = tracer.start_span(
        at("span: name"),
        _within(canaries, _state(canaries, "span: trace state")),
        links=[Link(linked, {"note": at("span: link")})],
        attributes={"note": at("span: attribute")},
    )
    span.set_attribute(_attribute_key(canaries, "span: attribute key"), "canary")
    span.add_event(at("span: event"), {"exception.message": at("span: event attribute")})
    span.set_status(Status(StatusCode.ERROR, at("span: status")))
    span.end()


def emit_log(canaries: Canaries, processor: Any) -> None:
    """Emit log records in front of `processor`."""
    at = canaries.at
    logger = _loggers(processor, at("log: resource")).get_logger(
        "canary", attributes={"note": at("log: scope attribute")}
    )
    bodies = (at("log: body"), {"note": [at("log: map in body")]}, at("log: bytes in body").encode())
    key = _attribute_key(canaries, "log: attribute key")
    for body in bodies:
        logger.emit(
            context=_within(canaries),
            severity_number=SeverityNumber.INFO,
            body=body,
            attributes={"note": at("log: attribute"), key: "canary"},
            event_name=at("log: event name"),
        )


def metrics(canaries: Canaries) -> MetricsData | None:
    """Return metrics as a reader gets them.

    They come from a provider of the check's own: an instrument of the application's could not be taken
    back, and would go on being exported.
    """
    at = canaries.at
    reader = InMemoryMetricReader()
    provider = MeterProvider(
        [reader],
        resource=Resource({"note": at("metric: resource")}),
        exemplar_filter=AlwaysOnExemplarFilter(),
        shutdown_on_exit=False,
        views=[View(instrument_name="canary.filtered", attribute_keys=set())],
    )
    meter = provider.get_meter("canary", attributes={"note": at("metric: scope attribute")})
    counter = meter.create_counter("canary.count", description=at("metric: description"))
    counter.add(1, {"note": at("metric: attribute")})
    meter.create_counter("canary.filtered").add(1, {"note": at("metric: exemplar")})
    data = reader.get_metrics_data()
    provider.shutdown()
    return data


def outgoing_headers(canaries: Canaries) -> bytes:
    """Return what the global propagator writes into the headers of an outgoing request."""
    context = _within(canaries, _state(canaries, "outgoing header: trace state"))
    secret = canaries.key_at("outgoing header: baggage")
    context = baggage.set_baggage("note", f"{canaries.word('outgoing header: baggage')}.{secret}", context)
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context)
    return "\n".join(carrier.values()).encode()


def report_span(canaries: Canaries, processor: Any, tags: dict[str, str]) -> None:
    """End a span that reports a failed call by the five tags."""
    span = (
        _tracers(processor, "canary")
        .get_tracer("canary")
        .start_span("canary", _within(canaries), attributes=tags)
    )
    span.set_status(Status(StatusCode.ERROR))
    span.end()


def report_log(canaries: Canaries, processor: Any, tags: dict[str, str]) -> None:
    """Emit a log record that reports a failed call by the five tags."""
    _loggers(processor, "canary").get_logger("canary").emit(
        context=_within(canaries), severity_number=SeverityNumber.ERROR, body="canary", attributes=tags
    )


def _tracers(processor: Any, note: str) -> TracerProvider:
    # The application's processor behind a provider of the check's: its resource takes a canary, it samples
    # all, and the application's keeps no tracer of ours.
    return TracerProvider(
        sampler=ALWAYS_ON,
        resource=Resource({"note": note}),
        shutdown_on_exit=False,
        active_span_processor=processor,
        meter_provider=NoOpMeterProvider(),
    )


def _loggers(processor: Any, note: str) -> LoggerProvider:
    return LoggerProvider(
        resource=Resource({"note": note}),
        shutdown_on_exit=False,
        multi_log_record_processor=processor,
        meter_provider=NoOpMeterProvider(),
    )


def _attribute_key(canaries: Canaries, place: str) -> str:
    # The word is in the key: a random one may happen to name a secret, and takes its value with it.
    return f"{canaries.word(place)}.{canaries.key_at(place)}"


def _within(canaries: Canaries, state: TraceState | None = None) -> Context:
    trace_id = int(canaries.run, 16)
    parent = SpanContext(trace_id, _SPAN_ID, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _state(canaries: Canaries, place: str) -> TraceState:
    secret = canaries.key_at(place)
    return TraceState([("note", canaries.word(place)), ("vendor", secret)])
