"""`RedactingSpanExporter`: for pipelines without room for a guarded processor."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from ..redaction import Cleaned, RedactingExporter


class RedactingSpanExporter(RedactingExporter[ReadableSpan, SpanExportResult], SpanExporter):
    """Redacts spans in the export thread. Fails closed: what cannot be redacted is not exported.

    Args:
        exporter: Gets the redacted spans; its results and exceptions are passed on.
        redactor: Finds and replaces secrets.
        counters: Where spans are counted, usually a guard's; only if no guarded processor counts them.
    """

    signal = "span"
    success = SpanExportResult.SUCCESS

    def _look(self, batch: Sequence[ReadableSpan]) -> Sequence[Cleaned]:
        return self._cleaner.look_at_spans(batch)

    def _read(self, item: ReadableSpan, cleaned: Cleaned) -> ReadableSpan:
        return self._cleaner.read_span(item, cleaned)
