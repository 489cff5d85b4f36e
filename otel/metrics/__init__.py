"""Metrics: exporter, merging."""

from otel.metrics.exporter import RedactingMetricExporter

__all__ = [
    "RedactingMetricExporter",
]
