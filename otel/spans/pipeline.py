"""One span's way through a guard, in a processor or an exporter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from opentelemetry.sdk.trace import ReadableSpan

from sentry_filters import SessionGuard

from ..pipeline import Judge, Pipeline
from ..redaction import sdk_records
from .verdicts import SpanVerdicts
from .waiting import PendingSpans


class GuardedSpans(Pipeline[ReadableSpan]):
    """Lets ended spans leave as far as they may.

    Args:
        guard: The application's guard.
    """

    def __init__(self, guard: SessionGuard) -> None:
        super().__init__("span", guard)
        self._pending = PendingSpans()
        verdicts = SpanVerdicts(guard, self._pending)
        self._judge: Judge[ReadableSpan] = verdicts.judged
        self._judge_at_end: Judge[ReadableSpan] = partial(verdicts.judged, may_wait=True)
        self._attributes_of = sdk_records.attributes_of
        self._is_healthy, self._is_clean = verdicts.is_healthy, self._cleaner.is_clean_span
        self._clean = self._cleaner.span

    def kept(self, span: ReadableSpan) -> Sequence[ReadableSpan]:
        """Return what may leave now that `span` has ended: what waited for it, and what becomes of it."""
        if self._pending.is_empty and self._has_nothing_to_do(span):
            self._healthy.tick()
            return (span,)
        if self._pending.is_empty or span.context is None:
            return self._results([span], self._judge_at_end)
        awaiting = self._pending.released((f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"))
        return [*self._results(awaiting, self._judge), *self._results([span], self._judge_at_end)]

    def flushed(self) -> Sequence[ReadableSpan]:
        """Return what may leave of all that still waits."""
        return self._results(self._pending.all_released(), self._judge)

    def _results(self, spans: Sequence[ReadableSpan], judge: Judge[ReadableSpan]) -> list[ReadableSpan]:
        results = (self._result(span, judge) for span in spans)
        return [span for span in results if span is not None]
