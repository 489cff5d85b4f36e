"""Names that this package writes into telemetry."""

from __future__ import annotations

from opentelemetry.util.types import AnyValue

from sentry_filters import DecisionRecord, Failure, Policy, RenewalRecord, SessionExpired
from sentry_filters.core import operation_of

SCOPE = "sentry_filters"
"""Instrumentation scope of everything that the package itself emits."""

SESSION_EXPIRED = "session.expired"
"""Name of the span event and of the log event."""

SESSION_RENEWED = "session.renewed"
"""Name of the log event of a renewal, one for each expiry that it ended."""

DECISION = "sentry_filters.decision"
"""Name of the log event of one decision."""

GATE_CLOSED = "sentry_filters.gate.closed"
"""Name of the gauge: how many sessions' work the gate halts."""


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


def of_event(event: SessionExpired, *, handled: bool) -> dict[str, AnyValue]:
    """Return the attributes of the log event `session.expired`.

    Args:
        event: As published.
        handled: Whether the application had subscribed.
    """
    return _without_none(
        {
            "sentry_filters.expiry": event.id,
            "sentry_filters.handled": handled,
            "sentry_filters.source": event.source,
            "sentry_filters.provider": event.provider,
            "sentry_filters.operation": event.operation,
            "sentry_filters.reason": event.reason,
            "sentry_filters.confirmed": event.confirmed,
            "http.response.status_code": event.status,
            "session.id": event.session,
        }
    )


def of_renewal(renewal: RenewalRecord, expiry: str | None) -> dict[str, AnyValue]:
    """Return the attributes of the log event `session.renewed` for one of the expiries that it ended."""
    return _without_none({"sentry_filters.expiry": expiry, "session.id": renewal.session})


def of_decision(decision: DecisionRecord) -> dict[str, AnyValue]:
    """Return the attributes of the log event of one decision."""
    return _without_none(
        {
            "sentry_filters.signal": decision.signal,
            "sentry_filters.verdict": decision.verdict,
            "sentry_filters.reason": decision.reason,
            "sentry_filters.standing": decision.standing,
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
