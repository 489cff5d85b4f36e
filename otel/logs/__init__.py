"""Log records: processor, pipeline, verdicts, exporter."""
