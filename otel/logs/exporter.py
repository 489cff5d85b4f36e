"""`RedactingLogRecordExporter`: for pipelines without room for a guarded processor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from ..redaction import Cleaned, RedactingExporter, sdk_records


class RedactingLogRecordExporter(
    RedactingExporter[ReadableLogRecord, LogRecordExportResult], LogRecordExporter
):
    """Redacts log records in the export thread, as `RedactingSpanExporter` does, with its arguments."""

    signal = "log"
    success = LogRecordExportResult.SUCCESS

    def _look(self, batch: Sequence[ReadableLogRecord]) -> Sequence[Cleaned]:
        return self._cleaner.look_at_records(batch)

    def _read(self, item: ReadableLogRecord, cleaned: Cleaned) -> ReadableLogRecord:
        return sdk_records.kept_of_readable(item, partial(self._cleaner.read_record, cleaned=cleaned)) or item
