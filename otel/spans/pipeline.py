"""One span's way through a guard: judged, redacted, counted; in a processor or an exporter."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.util.types import AnyValue

from sentry_filters import SessionGuard

from ..redaction import Cleaner, Tally, sdk_records
from .verdicts import Outcome, SpanVerdicts
from .waiting import HeldSpans

_SIGNAL = "span"


class GuardedSpans:
    """Lets ended spans pass, as far as they may leave. Thread-safe.

    Fails closed: a span that cannot be redacted is withheld and counted. Recognition that fails keeps it.
    Only what is no `Exception` (KeyboardInterrupt and the like) is raised; the span is withheld then too.

    Args:
        guard: The application's guard.
    """

    def __init__(self, guard: SessionGuard) -> None:
        self._guard = guard
        self._counters = guard.counters
        self._healthy = Tally(self._count_exported)
        self._counters.settle_with(self._healthy.settle)
        self._held = HeldSpans()
        self._verdicts = SpanVerdicts(guard, self._held)
        self._cleaner = Cleaner(guard.redactor, self._count_redaction)

    def passed(self, span: ReadableSpan) -> Sequence[ReadableSpan]:
        """Return what may leave now that `span` has ended: what waited for it, and what becomes of it."""
        if self._has_nothing_to_do(span):
            self._healthy.tick()
            return (span,)
        if self._held.is_empty or span.context is None:
            return self._all_passed([span], waits=True)
        released = self._held.released((f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"))
        return [*self._all_passed(released), *self._all_passed([span], waits=True)]

    def _has_nothing_to_do(self, span: ReadableSpan) -> bool:
        """Say cheaply whether the span is certainly healthy and clean, and nothing waits for it."""
        try:
            attributes = sdk_records.attributes_of(span)
            return (
                self._held.is_empty
                and self._verdicts.is_healthy(span, attributes)
                and self._cleaner.is_clean_span(span, attributes)
            )
        except Exception:  # noqa: BLE001 - whatever it is, the careful way meets it again, and counts it
            return False

    def flushed(self) -> Sequence[ReadableSpan]:
        """Return what may leave of all that still waits."""
        return self._all_passed(self._held.all_released())

    def _all_passed(self, spans: Sequence[ReadableSpan], *, waits: bool = False) -> list[ReadableSpan]:
        passed = (self._passed(span, waits=waits) for span in spans)
        return [span for span in passed if span is not None]

    def _passed(self, span: ReadableSpan, *, waits: bool) -> ReadableSpan | None:
        try:
            attributes = sdk_records.attributes_of(span)
            outcome, judged = self._judged(span, attributes, waits=waits)
            if outcome == "waits":
                return None
            if judged is not None:
                judged = self._cleaner.span(judged, attributes if judged is span else None)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever a span or the redactor raises
            self._guard.fault("span", error)
            self._withhold("fault")
            return None
        except BaseException:  # raised again: an interrupt is the application's, the record stays here
            self._withhold("interrupted")
            raise
        self._counters.saw(_SIGNAL, outcome)
        return judged

    def _judged(
        self, span: ReadableSpan, attributes: dict[str, AnyValue], *, waits: bool
    ) -> tuple[Outcome, ReadableSpan | None]:
        try:
            return self._verdicts.judged(span, attributes, waits=waits)
        except Exception as error:  # noqa: BLE001 - a fault of ours keeps the span; it is redacted all the same
            self._guard.fault("recognise_span", error)
            return "exported", span

    def _withhold(self, cause: str) -> None:
        self._counters.saw(_SIGNAL, "withheld", cause)

    def _count_exported(self, number: int) -> None:
        self._counters.saw(_SIGNAL, "exported", by=number)

    def _count_redaction(self, kind: str) -> None:
        self._counters.add("redactions", _SIGNAL, kind)
