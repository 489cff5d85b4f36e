"""`GuardedSpanProcessor`: every ended span passes through it once."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, SynchronousMultiSpanProcessor

from sentry_filters import SessionGuard
from sentry_filters.guard import parts_of

from ..fan_out import FanOut
from .pipeline import GuardedSpans


class GuardedSpanProcessor(SynchronousMultiSpanProcessor):
    """Keeps the spans of an expired session, and secrets, from the processors behind it.

    Use it as the provider's `active_span_processor`, where it covers every processor that is added later, or
    around single processors. If a span is a recognised provider call, the processors get nothing; otherwise
    they get a span that is redacted when they, or an exporter, first read something that may hold a secret.

    An exception of a processor neither reaches the application nor keeps later processors from running; it is
    counted as a fault. Interrupts (`BaseException`) are raised after every processor has run.

    The span of a call that looks like the expired session waits for the end of its parent: the client may
    renew the session within the call, and the parent's error, or what `SessionGuard.instrument` recorded, may
    have the body. If the body stays unknown, it waits until the local root ends, but no longer than the next
    flush or 30 s. The spans above it wait with it.

    A child that ended before its dropped parent has already been exported with that parent's id.
    `Policy(span_action="demote")` keeps the provider's spans, so that no id points to a missing span.

    Args:
        guard: The application's guard.
        next_processors: Processors behind it; `add_span_processor` adds more.
    """

    def __init__(self, guard: SessionGuard, *next_processors: SpanProcessor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._guard = guard
        self._spans = GuardedSpans(guard, reads_later=True)
        self._fan_out = FanOut("span_processor", parts_of(guard).trail.fault)
        self._span_processors = next_processors

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Forward to every processor."""
        for processor in self._span_processors:
            try:
                processor.on_start(span, parent_context=parent_context)
            except Exception as error:  # noqa: BLE001 - a processor must not reach the application
                self._fan_out.raised(error)

    def _on_ending(self, span: Span) -> None:
        for processor in self._span_processors:
            try:
                processor._on_ending(span)
            except Exception as error:  # noqa: BLE001 - as above
                self._fan_out.raised(error)

    def on_end(self, span: ReadableSpan) -> None:
        """Judge and redact the span once, and pass the result to every processor."""
        for kept in self._spans.kept(span):
            self._hand_on(kept)

    def shutdown(self) -> None:
        """Shut down every processor, even if one of them raises."""
        for kept in self._spans.flushed():
            self._hand_on(kept)
        self._fan_out.to_each(self._span_processors, lambda one: one.shutdown())

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush every processor within `timeout_millis` in all.

        Returns:
            Whether all of them did; False also if one of them raised.
        """
        for kept in self._spans.flushed():
            self._hand_on(kept)
        return self._fan_out.flushed(self._span_processors, timeout_millis)

    def _hand_on(self, span: ReadableSpan) -> None:
        self._fan_out.to_each(self._span_processors, lambda one: one.on_end(span))
