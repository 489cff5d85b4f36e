"""The OpenTelemetry edge of sentry-filters: one verdict, one redaction, for spans, logs and metrics."""

from otel.span_processor import GuardedSpanProcessor

__all__ = [
    "GuardedSpanProcessor",
]
