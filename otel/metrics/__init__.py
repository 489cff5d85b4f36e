"""Metrics: exporter, merging."""
