"""Log records: processor, pipeline, verdicts, exporter."""

from otel.logs.pipeline import GuardedLogs
from otel.logs.processor import GuardedLogRecordProcessor

__all__ = [
    "GuardedLogRecordProcessor",
    "GuardedLogs",
]
