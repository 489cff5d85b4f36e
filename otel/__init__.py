"""The OpenTelemetry edge of sentry-filters: one verdict, one redaction, for spans, logs and metrics."""

import sys

import sentry_filters.otel  # noqa: F401 - it exists before anything here does

from .logs import GuardedLogRecordProcessor, RedactingLogRecordExporter
from .metrics import RedactingMetricExporter
from .propagator import RedactingPropagator
from .providers import instrument
from .spans import GuardedSpanProcessor, RedactingSpanExporter
from .telemetry import emit_decisions, emit_session_expired, observe_counters

__all__ = [
    "GuardedLogRecordProcessor",
    "GuardedSpanProcessor",
    "RedactingLogRecordExporter",
    "RedactingMetricExporter",
    "RedactingPropagator",
    "RedactingSpanExporter",
    "emit_decisions",
    "emit_session_expired",
    "instrument",
    "observe_counters",
]

# Imported as `otel`, it is the same package as by its other name.
sys.modules[__name__] = sys.modules["sentry_filters.otel"]
