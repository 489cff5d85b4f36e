"""`RedactingSpanExporter`: for pipelines that no processor of ours can be put into."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from ..redaction import Cleaned, RedactingExporter


class RedactingSpanExporter(RedactingExporter[ReadableSpan, SpanExportResult], SpanExporter):
    """Redacts spans in the export thread. Fails closed: what cannot be redacted is not exported.

    Args:
        exporter: Gets the redacted spans; what it raises and returns is as without us.
        redactor: Finds and replaces secrets.
        counters: Where spans are counted, a guard's as a rule; only where no guarded processor counts them.
    """

    signal = "span"
    success = SpanExportResult.SUCCESS

    def _look(self, batch: Sequence[ReadableSpan]) -> Sequence[Cleaned]:
        return self._cleaner.look_at_spans(batch)

    def _read(self, item: ReadableSpan, cleaned: Cleaned) -> ReadableSpan:
        return self._cleaner.read_span(item, cleaned)
