"""OpenTelemetry of one process of the replay, as an application sets it up."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel import (
    GuardedLogRecordProcessor,
    GuardedSpanProcessor,
    emit_decisions,
    emit_session_expired,
    observe_counters,
)
from sentry_filters import SessionGuard
from tests.audit.replay.parts import Part

_EXPORT_MILLISECONDS = 500


class Telemetry:
    """OpenTelemetry as an application sets it up, with the guard at its choke points."""

    def __init__(self, guard: SessionGuard, part: Part, otlp: str, process: str) -> None:
        resource = Resource.create(
            {"service.name": "shop", "service.version": part.release, "service.instance.id": process}
        )
        self.tracers = TracerProvider(resource=resource, active_span_processor=GuardedSpanProcessor(guard))
        self.tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{otlp}/v1/traces")))
        self.loggers = LoggerProvider(resource, multi_log_record_processor=GuardedLogRecordProcessor(guard))
        self.loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{otlp}/v1/logs")))
        exporter = OTLPMetricExporter(f"{otlp}/v1/metrics")
        pushing = PeriodicExportingMetricReader(exporter, export_interval_millis=_EXPORT_MILLISECONDS)
        self.meters = MeterProvider([pushing, PrometheusMetricReader()], resource)
        observe_counters(guard, self.meters)
        emit_session_expired(guard, self.loggers)
        emit_decisions(guard, self.loggers)

    def flush(self) -> None:
        """Send everything: first what is counted, then the counts."""
        assert self.tracers.force_flush()
        assert self.loggers.force_flush()
        assert self.meters.force_flush()

    def shutdown(self) -> None:
        """End the providers."""
        self.tracers.shutdown()
        self.loggers.shutdown()
        self.meters.shutdown()
