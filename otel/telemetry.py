"""The guard's own telemetry: counters as metrics, expiries and decisions as log events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

from opentelemetry._logs import Logger, LoggerProvider, SeverityNumber, get_logger
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from opentelemetry.util.types import AnyValue

from sentry_filters import (
    AuditRecord,
    DecisionRecord,
    Failure,
    Policy,
    RenewalRecord,
    SessionExpired,
    SessionGuard,
    Subscription,
)
from sentry_filters.core import LABELS, Counters, expiry_attributes, operation_of
from sentry_filters.guard import parts_of

SCOPE = "sentry_filters"
"""Instrumentation scope of everything that the package itself emits."""

SESSION_EXPIRED = "session.expired"
"""Name of the span event and of the log event."""

SESSION_RENEWED = "session.renewed"
"""Name of the log event of a renewal, one for each expiry that it ended, also of one that was none."""

DECISION = "sentry_filters.decision"
"""Name of the log event of one decision."""

GATE_CLOSED = "sentry_filters.gate.closed"
"""Name of the gauge: how many sessions' work the gate halts."""

_METRICS: Mapping[str, tuple[str, str]] = {
    "seen": ("{item}", "Items that reached the guard."),
    "exported": ("{item}", "Items that left."),
    "dropped": ("{item}", "Items that were dropped: they reported an expired session."),
    "demoted": ("{item}", "Spans exported without the error of an expired session."),
    "withheld": ("{item}", "Items that could not be redacted and were withheld."),
    "decisions": ("{decision}", "Decisions about reported failures."),
    "redactions": ("{secret}", "Secrets that were replaced, by kind."),
    "session_expired": ("{session}", "Expired sessions that were published."),
    "renewals": ("{renewal}", "Sign-ins that the application reported."),
    "refreshes": ("{call}", "Calls of the application's own `refresh`, by what came of them."),
    "refused": ("{call}", "Work that the gate refused to start."),
    "violations": ("{violation}", "What must never happen, found by the guard's own checks."),
    "audit_lost": ("{record}", "Records that did not reach the ledger."),
    "shared": ("{event}", "What happened between the processes that share their sessions."),
    "faults": ("{fault}", "Faults of the guard's own, none of which reached the application."),
}
"""Unit and description of each counter's metric. Units in braces are notes: no name is made of them."""


def observe_counters(guard: SessionGuard, meter_provider: MeterProvider | None = None) -> None:
    """Export a guard's counters as metrics `sentry_filters.<counter>`, whenever a reader collects.

    Between collections it costs nothing. The gauge `sentry_filters.gate.closed` shows how many sessions' work
    the gate halts.

    Args:
        guard: Whose counters.
        meter_provider: Where the metrics are made; the global one by default, also if it is set later.
    """
    meter = get_meter(SCOPE, meter_provider=meter_provider)
    counts = _OneMoment(guard.counters)
    for name, (unit, description) in _METRICS.items():
        meter.create_observable_counter(
            f"{SCOPE}.{name}",
            callbacks=[_observing(counts, name)],
            unit=unit,
            description=description,
        )
    meter.create_observable_gauge(
        GATE_CLOSED,
        callbacks=[lambda _options: [Observation(guard.gate.closed)]],
        unit="{session}",
        description="Sessions whose work the gate halts.",
    )


def emit_session_expired(guard: SessionGuard, logger_provider: LoggerProvider | None = None) -> Subscription:
    """Emit a log event `session.expired` for every expiry; it does not count as a handler.

    Args:
        guard: Whose expiries.
        logger_provider: Where they are emitted; the global one by default, also if it is set later.

    Returns:
        The subscription; close it to end the events.
    """
    logger = get_logger(SCOPE, logger_provider=logger_provider)

    def emit(event: SessionExpired) -> None:
        attributes = expiry_attributes(event, handled=guard.bus.is_listening)
        body = f"the {event.provider} session has expired"
        at = event.at.timestamp()
        _emit(
            logger, SESSION_EXPIRED, at, attributes, event.trace_id, body=body, severity=SeverityNumber.WARN
        )

    return guard.bus.observe(emit)


def emit_decisions(guard: SessionGuard, logger_provider: LoggerProvider | None = None) -> None:
    """Emit log events for the audit: `sentry_filters.decision` and `session.renewed`, never a payload.

    They are emitted on the deciding thread: let the provider export in batches.

    Args:
        guard: Whose decisions and renewals.
        logger_provider: Where they are emitted; the global one by default, also if it is set later.
    """
    logger = get_logger(SCOPE, logger_provider=logger_provider)

    def emit(record: AuditRecord) -> None:
        if isinstance(record, DecisionRecord):
            _emit(logger, DECISION, record.at, of_decision(record), record.trace_id)
        elif isinstance(record, RenewalRecord):
            for expiry in record.expiries or (None,):
                _emit(logger, SESSION_RENEWED, record.at, of_renewal(record, expiry))

    parts_of(guard).trail.observe(emit)


def _emit(
    logger: Logger,
    name: str,
    at: float,
    attributes: Mapping[str, AnyValue],
    trace_id: str | None = None,
    *,
    body: str | None = None,
    severity: SeverityNumber = SeverityNumber.INFO,
) -> None:
    logger.emit(
        # Whole milliseconds, as in the ledger: the same queries find the same rows in both.
        timestamp=round(at * 1000) * 1_000_000,
        context=_in_trace(trace_id),
        severity_number=severity,
        severity_text=severity.name,
        body=body,
        attributes=attributes,
        event_name=name,
    )


class _OneMoment:
    """Gives each collection counts of one moment, so that what was seen adds up in what a reader exports.

    A reader collects on one thread and asks for each counter once: one that is asked for again begins another
    collection.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._current = threading.local()

    def of(self, name: str) -> Mapping[tuple[str, ...], int]:
        """Return the counts of this collection."""
        asked: set[str] | None = getattr(self._current, "asked", None)
        if asked is None or name in asked:
            asked = self._current.asked = set()
            self._current.counts = self._counters.counts()
        asked.add(name)
        counts: Mapping[tuple[str, ...], int] = self._current.counts
        return counts


def _observing(counts: _OneMoment, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    labels = LABELS[name]

    def observe(_options: CallbackOptions) -> Iterator[Observation]:
        for (counter, *values), count in counts.of(name).items():
            if counter == name:
                attributes: dict[str, AnyValue] = dict(zip(labels, values, strict=True))
                yield Observation(count, attributes)

    return observe


def _in_trace(trace_id: str | None) -> Context:
    """Return a context of that trace alone: the event belongs to it, whatever runs on this thread."""
    if trace_id is None:
        return Context()
    context = SpanContext(int(trace_id, 16), 0, is_remote=False, trace_flags=TraceFlags.get_default())
    return set_span_in_context(NonRecordingSpan(context), Context())


def of_failure(failure: Failure, policy: Policy) -> dict[str, AnyValue]:
    """Return the attributes of a span's `session.expired` event: labels and ids, never a payload."""
    response = failure.response
    return _without_none(
        {
            "sentry_filters.source": policy.source,
            "sentry_filters.provider": policy.provider,
            "sentry_filters.operation": operation_of(failure, policy),
            # Semantic conventions for HTTP and for sessions.
            "http.response.status_code": failure.status if response is None else response.status,
            "session.id": None if response is None else response.session,
        }
    )


def of_renewal(renewal: RenewalRecord, expiry: str | None) -> dict[str, AnyValue]:
    """Return the attributes of the log event `session.renewed` for one of the expiries that it ended."""
    return _without_none(
        {
            "sentry_filters.expiry": expiry,
            "sentry_filters.reason": renewal.reason,
            "session.id": renewal.session,
        }
    )


def of_decision(decision: DecisionRecord) -> dict[str, AnyValue]:
    """Return the attributes of the log event of one decision."""
    return _without_none(
        {
            "sentry_filters.signal": decision.signal,
            "sentry_filters.verdict": decision.verdict,
            "sentry_filters.reason": decision.reason,
            "sentry_filters.standing": decision.standing,
            "sentry_filters.grade": decision.grade,
            "sentry_filters.confirmed": decision.confirmed,
            "sentry_filters.expiry": decision.expiry,
            "sentry_filters.domain": decision.domain,
            "sentry_filters.operation": decision.operation,
            "sentry_filters.provider": decision.provider,
            "sentry_filters.backend": decision.backend,
            "sentry_filters.third_party": decision.third_party,
            "server.address": decision.host,
            "http.response.status_code": decision.status,
            "session.id": decision.session,
        }
    )


def _without_none(attributes: dict[str, AnyValue]) -> dict[str, AnyValue]:
    return {name: value for name, value in attributes.items() if value is not None}
