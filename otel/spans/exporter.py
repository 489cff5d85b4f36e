"""Exporters that redact what they hand on: for pipelines that no processor of ours can be put into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from sentry_filters import Counters, Redactor

from ..redaction import Cleaner, Withheld, sdk_records

_Item = TypeVar("_Item")


class RedactingSpanExporter(SpanExporter):
    """Redacts spans in the export thread. Fails closed: what cannot be redacted is not exported.

    Args:
        exporter: Gets the redacted spans; what it raises and returns is as without us.
        redactor: Finds and replaces secrets.
        counters: Where spans are counted, a guard's as a rule; only where no guarded processor counts them.
    """

    def __init__(
        self, exporter: SpanExporter, redactor: Redactor, *, counters: Counters | None = None
    ) -> None:
        self._exporter = exporter
        self._withheld = Withheld("span", counters)
        self._cleaner = Cleaner(redactor, self._withheld.count_redaction)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export `spans` without secrets."""
        passed = spans if self._are_clean(spans) else _each(spans, self._cleaner.span, self._withheld)
        self._withheld.count_exported(len(passed))
        return self._exporter.export(passed) if passed or not spans else SpanExportResult.SUCCESS

    def _are_clean(self, spans: Sequence[ReadableSpan]) -> bool:
        try:
            return self._cleaner.are_clean_spans(spans)
        except Exception:  # noqa: BLE001 - whatever it is, each span is looked at by itself then
            return False

    def shutdown(self) -> None:
        """As the exporter's."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """As the exporter's."""
        return self._exporter.force_flush(timeout_millis)


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
        passed = batch if self._are_clean(batch) else _each(batch, self._clean, self._withheld)
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
        return passed_readable(record, self._cleaner.record) or record


def passed_readable(
    record: ReadableLogRecord, passed: Callable[[ReadWriteLogRecord], ReadWriteLogRecord | None]
) -> ReadableLogRecord | None:
    """Send a record of an export batch through what takes a processor's; the same where it is clean."""
    writable = sdk_records.writable_record(record)
    result = passed(writable)
    if result is writable:
        return record
    return None if result is None else sdk_records.readable_record(result)


def _each(items: Sequence[_Item], clean: Callable[[_Item], _Item], withheld: Withheld) -> Sequence[_Item]:
    passed = []
    for item in items:
        try:
            passed.append(clean(item))
        except Exception as error:  # noqa: BLE001 - fail closed: this item is withheld, the others go
            withheld.tell("fault", error)
    return passed
