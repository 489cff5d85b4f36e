"""One span's way through a guard: judged, redacted, counted; in a processor or an exporter."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.util.types import AnyValue

from otel import readable
from otel.clean import Cleaner
from otel.span_verdicts import Outcome, SpanVerdicts
from sentry_filters import SessionGuard

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
        self._verdicts = SpanVerdicts(guard)
        self._cleaner = Cleaner(guard.redactor, self._count_redaction)

    def passed(self, span: ReadableSpan) -> ReadableSpan | None:
        """Return what may leave of `span`: the same object, a new one, or None."""
        try:
            attributes = readable.attributes_of(span)
            outcome, judged = self._judged(span, attributes)
            if judged is not None:
                judged = self._cleaner.span(judged, attributes if judged is span else None)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever a span or the redactor raises
            self._guard.fault("span", error)
            self._withhold("fault")
            return None
        except BaseException:
            self._withhold("interrupted")
            raise
        self._counters.add("seen", _SIGNAL)
        self._counters.add(outcome, _SIGNAL)
        return judged

    def _judged(
        self, span: ReadableSpan, attributes: dict[str, AnyValue]
    ) -> tuple[Outcome, ReadableSpan | None]:
        try:
            return self._verdicts.judged(span, attributes)
        except Exception as error:  # noqa: BLE001 - a fault of ours keeps the span; it is redacted all the same
            self._guard.fault("recognise_span", error)
            return "exported", span

    def _withhold(self, cause: str) -> None:
        self._counters.add("seen", _SIGNAL)
        self._counters.add("withheld", _SIGNAL, cause)

    def _count_redaction(self, kind: str) -> None:
        self._counters.add("redactions", _SIGNAL, kind)
