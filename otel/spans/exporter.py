"""`RedactingSpanExporter`: for pipelines that no processor of ours can be put into."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from sentry_filters import Counters, Redactor

from ..redaction import Cleaner, Withheld, each


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
        passed = spans if self._are_clean(spans) else each(spans, self._cleaner.span, self._withheld)
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
