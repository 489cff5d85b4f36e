"""Sentry's hooks: recognition first, then the user's own hook; what is kept is handed on as it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar

from sentry_filters.core import AuditTrail, Decider
from sentry_filters.evidence import FailuresOf
from sentry_filters.sentry.evidence import failures_of_event, failures_of_telemetry
from sentry_filters.sentry.spans import SpanFilter

Payload = dict[str, object]
Hint = dict[str, object]
Hook = Callable[[Payload, Hint], Payload | None]

UNHANDLED: Mapping[str, str] = {"session_expired": "unhandled"}
"""The tag of a dead session's first failure where nobody listens."""


class SentryHooks:
    """The hooks that recognise. They never raise; where recognition fails, what came is kept.

    Args:
        decider: Decides about a report's failures, and acts on what it finds.
        spans: Takes our failures' spans out of transactions.
        failures_of: Finds the failed call behind an exception.
        reporting: Set while `SessionGuard.report` hands Sentry what it has decided itself.
        trail: Counts what is dropped here, and internal faults.
    """

    def __init__(
        self,
        decider: Decider,
        spans: SpanFilter,
        failures_of: FailuresOf,
        reporting: ContextVar[bool],
        trail: AuditTrail,
    ) -> None:
        self._decider = decider
        self._spans = spans
        self._failures_of = failures_of
        self._reporting = reporting
        self._saw = trail.counters.saw
        self._fault = trail.fault

    def before_send(self, event: Payload, hint: Hint) -> Payload | None:
        """Drop our expired session's error events; a healthy event comes back as the same object.

        The first failure of a session that nobody listens for is kept, tagged `session_expired=unhandled`.
        """
        if self._reporting.get():
            return event
        try:
            failures = failures_of_event(event, hint or {}, self._failures_of)
            decision = self._decider.decide("event", failures, can_show=True)
            if decision.show:
                return tagged(event, UNHANDLED)
            if not decision.drop:
                return event
            self._saw("event", "dropped")
        except Exception as error:  # noqa: BLE001 - in doubt, keep
            self._fault("before_send", error)
            return event
        return None

    def before_send_transaction(self, event: Payload, hint: Hint) -> Payload | None:
        """Take our failures' spans out of a transaction, which itself is always kept."""
        del hint
        try:
            return self._spans.without_failures(event)
        except Exception as error:  # noqa: BLE001 - in doubt, keep
            self._fault("before_send_transaction", error)
            return event

    def before_send_log(self, log: Payload, hint: Hint) -> Payload | None:
        """Drop logs that report our expired session by their attributes or the wire text in their body."""
        return self._telemetry("log", log, hint)

    def before_send_metric(self, metric: Payload, hint: Hint) -> Payload | None:
        """Drop metrics that count our expired session by the five tags in their attributes."""
        return self._telemetry("metric", metric, hint)

    def _telemetry(self, signal: str, item: Payload, hint: Hint) -> Payload | None:
        del hint
        try:
            failures = failures_of_telemetry(item, self._failures_of)
            if not self._decider.decide(signal, failures).drop:
                return item
            self._saw(signal, "dropped")
        except Exception as error:  # noqa: BLE001 - in doubt, keep
            self._fault(f"before_send_{signal}", error)
            return item
        return None


def chained(first: Hook, second: Hook | None) -> Hook:
    """Return a hook that calls `second` with what `first` keeps; what `second` raises is raised."""
    if second is None:
        return first

    def hook(payload: Payload, hint: Hint) -> Payload | None:
        kept = first(payload, hint)
        return None if kept is None else second(kept, hint)

    return hook


def tagged(event: Mapping[str, object], added: Mapping[str, str]) -> Payload:
    """Return a shallow copy of `event` with tags added, in whichever of Sentry's two shapes it has them."""
    tags = event.get("tags")
    if isinstance(tags, list):
        return {**event, "tags": [*tags, *([key, value] for key, value in added.items())]}
    return {**event, "tags": {**(tags if isinstance(tags, dict) else {}), **added}}
