"""`RedactingLogRecordExporter`: for pipelines that no processor of ours can be put into."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from sentry_filters import Counters, Redactor

from ..redaction import Cleaner, Withheld, each, sdk_records


class RedactingLogRecordExporter(LogRecordExporter):
    """Redacts log records in the export thread, as `RedactingSpanExporter` does.

    Args:
        exporter: Gets the redacted records.
        redactor: Finds and replaces secrets.
        counters: Where records are counted, a guard's as a rule; only where no guarded processor counts them.
    """

    def __init__(
        self, exporter: LogRecordExporter, redactor: Redactor, *, counters: Counters | None = None
    ) -> None:
        self._exporter = exporter
        self._withheld = Withheld("log", counters)
        self._cleaner = Cleaner(redactor, self._withheld.count_redaction)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Export the records without secrets."""
        passed = batch if self._are_clean(batch) else each(batch, self._clean, self._withheld)
        self._withheld.count_exported(len(passed))
        return self._exporter.export(passed) if passed or not batch else LogRecordExportResult.SUCCESS

    def _are_clean(self, batch: Sequence[ReadableLogRecord]) -> bool:
        try:
            return self._cleaner.are_clean_records(batch)
        except Exception:  # noqa: BLE001 - as above
            return False

    def shutdown(self) -> None:
        """As the exporter's."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """As the exporter's."""
        return self._exporter.force_flush(timeout_millis)

    def _clean(self, record: ReadableLogRecord) -> ReadableLogRecord:
        return sdk_records.passed_readable(record, self._cleaner.record) or record
