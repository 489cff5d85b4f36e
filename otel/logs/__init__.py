"""Log records: processor, pipeline, verdicts, exporter."""

from .exporter import RedactingLogRecordExporter
from .pipeline import GuardedLogs
from .processor import GuardedLogRecordProcessor

__all__ = [
    "GuardedLogRecordProcessor",
    "GuardedLogs",
    "RedactingLogRecordExporter",
]
