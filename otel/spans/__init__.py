"""Spans: processor, pipeline, verdicts, waiting, exporter."""

from .exporter import RedactingLogRecordExporter, RedactingSpanExporter, passed_readable
from .pipeline import GuardedSpans
from .processor import GuardedSpanProcessor

__all__ = [
    "GuardedSpanProcessor",
    "GuardedSpans",
    "RedactingLogRecordExporter",
    "RedactingSpanExporter",
    "passed_readable",
]
