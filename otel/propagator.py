"""Outgoing headers: what is propagated to other services, without secrets."""

from __future__ import annotations

import logging

from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.util.types import AnyValue

from sentry_filters import Redactor

from .redaction import Cleaner

_log = logging.getLogger("sentry_filters")


class RedactingPropagator(TextMapPropagator):
    """Redacts baggage and trace state before another propagator writes them into outgoing headers.

    An entry whose name holds a secret is left out. Fails closed: what cannot be redacted is not propagated.
    The trace's ids go on unchanged; incoming headers are read as they are.

    Args:
        propagator: Writes and reads the headers.
        redactor: Finds and replaces secrets.
    """

    def __init__(self, propagator: TextMapPropagator, redactor: Redactor) -> None:
        self._propagator = propagator
        self._cleaner = Cleaner(redactor)
        self._warned = False

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write the headers of `context`, redacted."""
        context = get_current() if context is None else context
        try:
            clean = self._clean(context)
        except Exception as error:  # noqa: BLE001 - fail closed: the ids go on, baggage and trace state do not
            if not self._warned:
                self._warned = True
                _log.warning(
                    "sentry-filters: baggage that cannot be redacted is withheld (%s)", type(error).__name__
                )
            clean = _with_span_of(baggage.clear(context), trace.TraceState())
        self._propagator.inject(carrier, clean, setter)

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """As the propagator's."""
        return self._propagator.extract(carrier, context, getter)

    @property
    def fields(self) -> set[str]:
        """As the propagator's."""
        return self._propagator.fields

    def _clean(self, context: Context) -> Context:
        entries: dict[str, AnyValue] = dict(baggage.get_all(context))  # type: ignore[arg-type]
        redacted = self._cleaner.attributes(entries)
        if redacted is not entries:
            context = baggage.clear(context)
            for name, value in redacted.items():
                if name in entries:
                    context = baggage.set_baggage(name, value, context)
        span_context = trace.get_current_span(context).get_span_context()
        clean = self._cleaner.context(span_context)
        if clean is None or clean is span_context:
            return context
        return _with_span_of(context, clean.trace_state)


class GuardedBaggagePropagator(RedactingPropagator):
    """The W3C's baggage without secrets, for `OTEL_PROPAGATORS=tracecontext,baggage_guarded`."""

    def __init__(self) -> None:
        super().__init__(W3CBaggagePropagator(), Redactor())


def _with_span_of(context: Context, trace_state: trace.TraceState) -> Context:
    """Return `context` with its span's ids and another trace state."""
    old = trace.get_current_span(context).get_span_context()
    new = trace.SpanContext(old.trace_id, old.span_id, old.is_remote, old.trace_flags, trace_state)
    return trace.set_span_in_context(trace.NonRecordingSpan(new), context)
