"""The OpenTelemetry edge of sentry-filters: one verdict, one redaction, for spans, logs and metrics."""

from otel.audit import emit_decisions, emit_session_expired, observe_counters
from otel.exporters import RedactingLogRecordExporter, RedactingSpanExporter
from otel.log_processor import GuardedLogRecordProcessor
from otel.metric_exporter import RedactingMetricExporter
from otel.propagator import RedactingPropagator
from otel.span_processor import GuardedSpanProcessor

__all__ = [
    "GuardedLogRecordProcessor",
    "GuardedSpanProcessor",
    "RedactingLogRecordExporter",
    "RedactingMetricExporter",
    "RedactingPropagator",
    "RedactingSpanExporter",
    "emit_decisions",
    "emit_session_expired",
    "observe_counters",
]
