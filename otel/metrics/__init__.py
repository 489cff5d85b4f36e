"""Metrics: exporter, merging."""

from .exporter import RedactingMetricExporter

__all__ = [
    "RedactingMetricExporter",
]
