"""Spans: processor, pipeline, verdicts, waiting, exporter."""

from .exporter import RedactingSpanExporter
from .pipeline import GuardedSpans
from .processor import GuardedSpanProcessor

__all__ = [
    "GuardedSpanProcessor",
    "GuardedSpans",
    "RedactingSpanExporter",
]
