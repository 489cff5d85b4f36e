"""`RedactingLogRecordExporter`: for pipelines that no processor of ours can be put into."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from ..redaction import RedactingExporter, sdk_records


class RedactingLogRecordExporter(
    RedactingExporter[ReadableLogRecord, LogRecordExportResult], LogRecordExporter
):
    """Redacts log records in the export thread, as `RedactingSpanExporter` does, with its arguments."""

    signal = "log"
    success = LogRecordExportResult.SUCCESS

    def _are_clean(self, batch: Sequence[ReadableLogRecord]) -> bool:
        return self._cleaner.are_clean_records(batch)

    def _clean(self, item: ReadableLogRecord) -> ReadableLogRecord:
        return sdk_records.kept_of_readable(item, self._cleaner.record) or item
