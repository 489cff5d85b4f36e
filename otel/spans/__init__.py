"""Spans: processor, pipeline, verdicts, waiting, exporter."""
