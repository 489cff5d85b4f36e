"""Spans: processor, pipeline, verdicts, waiting, exporter."""

from otel.spans.exporter import RedactingLogRecordExporter, RedactingSpanExporter, passed_readable
from otel.spans.pipeline import GuardedSpans
from otel.spans.processor import GuardedSpanProcessor

__all__ = [
    "GuardedSpanProcessor",
    "GuardedSpans",
    "RedactingLogRecordExporter",
    "RedactingSpanExporter",
    "passed_readable",
]
