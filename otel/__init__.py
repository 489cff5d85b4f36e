"""The OpenTelemetry edge of sentry-filters: one verdict, one redaction, for spans, logs and metrics."""

from otel.logs import GuardedLogRecordProcessor
from otel.metrics import RedactingMetricExporter
from otel.propagator import RedactingPropagator
from otel.spans import GuardedSpanProcessor, RedactingLogRecordExporter, RedactingSpanExporter
from otel.telemetry import emit_decisions, emit_session_expired, observe_counters

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
