"""Sentry's hooks: recognition first, then the user's own hook; what is kept is handed on as it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from sentry_filters.core import AuditTrail, Decider, Discoveries
from sentry_filters.evidence import FailuresOf
from sentry_filters.sentry.copies import NeverCopied
from sentry_filters.sentry.evidence import (
    failures_of_event,
    failures_of_telemetry,
    raised_in,
    refused_event,
    refused_log,
)
from sentry_filters.sentry.signals import SentrySignals, is_warning_of_expiry
from sentry_filters.sentry.spans import SpanFilter

Payload = dict[str, object]
Hint = dict[str, object]
Hook = Callable[[Payload, Hint], Payload | None]

SHOWN = "session_expired"
"""The tag of what Sentry keeps although it is recognised; its value says why."""


class SentryHooks(NeverCopied):
    """The hooks that recognise. They never raise; where recognition fails, what came is kept.

    Args:
        decider: Decides about a report's failures, and acts on what it finds.
        spans: Takes our failures' spans out of transactions.
        failures_of: Finds the failed call behind an exception.
        reporting: Set while Sentry gets what is decided already, or what the guard itself has to say.
        trail: Counts what is dropped here, and internal faults.
        signals: Informed of what is dropped.
        discoveries: Remembers in which errors an expiry was found.
    """

    def __init__(
        self,
        decider: Decider,
        spans: SpanFilter,
        failures_of: FailuresOf,
        reporting: ContextVar[bool],
        trail: AuditTrail,
        signals: SentrySignals,
        discoveries: Discoveries,
    ) -> None:
        self._decider = decider
        self._spans = spans
        self._failures_of = failures_of
        self._reporting = reporting
        self._saw = trail.counters.saw
        self._signals = signals
        self._discoveries = discoveries
        self._fault = trail.fault

    def before_send(self, event: Payload, hint: Hint) -> Payload | None:
        """Drop our expired session's error events; a healthy event comes back as the same object.

        What somebody has to act on is kept, tagged: the first failure of a session that nobody listens for
        (`session_expired=unhandled`), and the use of an old credential (`session_expired=old_credential`).
        """
        if self._reporting.get():
            return event
        try:
            hint = hint or {}
            if self._is_refusal("event", refused_event(event, hint)):
                return None
            failures = failures_of_event(event, hint, self._failures_of)
            decision = self._decider.decide("event", failures, can_show=True)
            self._discoveries.remember(raised_in(hint), decision, failures[0].session if failures else None)
            if decision.tag is not None:
                return tagged(event, {SHOWN: decision.tag})
            if not decision.drop:
                return event
            self._drop("event")
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
        """Drop logs that report our expired session by their attributes or the wire text in their body.

        So are the gate's refusals, and our own WARNING of an expiry: `Policy.sentry_signal` stands for it.
        """
        try:
            if is_warning_of_expiry(log) and not self._decider.is_shadow:
                self._decider.note("log", "drop", "announced", None)
                self._drop("log")
                return None
            if self._is_refusal("log", refused_log(log)):
                return None
        except Exception as error:  # noqa: BLE001 - in doubt, keep
            self._fault("before_send_log", error)
            return log
        return self._telemetry("log", log, hint)

    def before_send_metric(self, metric: Payload, hint: Hint) -> Payload | None:
        """Drop metrics that count our expired session by the five tags in their attributes."""
        return self._telemetry("metric", metric, hint)

    def _telemetry(self, signal: str, item: Payload, hint: Hint) -> Payload | None:
        del hint
        if self._reporting.get():
            return item
        try:
            failures = failures_of_telemetry(item, self._failures_of)
            if not self._decider.decide(signal, failures).drop:
                return item
            self._drop(signal)
        except Exception as error:  # noqa: BLE001 - in doubt, keep
            self._fault(f"before_send_{signal}", error)
            return item
        return None

    def _is_refusal(self, signal: str, error: BaseException | None) -> bool:
        if error is None or not self._decider.refused(signal, error, self._failures_of):
            return False
        self._drop(signal)
        return True

    def _drop(self, signal: str) -> None:
        self._saw(signal, "dropped")
        self._signals.dropped()


@dataclass(frozen=True, slots=True)
class Chained:
    """A hook that decides, and then hands what it keeps to the user's own; what that one raises is raised.

    Args:
        decides: A guard's own hook.
        second: The user's own, None where there is none.
        also: What decides in another guard behind `second`: it is asked about what is dropped, too,
            for a guard that is never asked would not know that its session has expired.
    """

    decides: Hook
    second: Hook | None = None
    also: Hook | None = None

    def __call__(self, payload: Payload, hint: Hint) -> Payload | None:
        """Return what is kept of `payload`."""
        kept = self.decides(payload, hint)
        if kept is None:
            self.asked_behind(payload, hint)
            return None
        return kept if self.second is None else self.second(kept, hint)

    def asked(self, payload: Payload, hint: Hint) -> Payload | None:
        """Let every guard of the chain decide, without the user's own hook."""
        kept = self.decides(payload, hint)
        self.asked_behind(payload, hint)
        return kept

    def asked_behind(self, payload: Payload, hint: Hint) -> None:
        """Let the guards behind this one decide about what is dropped here."""
        if self.also is not None:
            self.also(payload, hint)


def tagged(event: Mapping[str, object], added: Mapping[str, str]) -> Payload:
    """Return a shallow copy of `event` with tags added, in whichever of Sentry's two shapes it has them."""
    tags = event.get("tags")
    if isinstance(tags, list):
        return {**event, "tags": [*tags, *([key, value] for key, value in added.items())]}
    return {**event, "tags": {**(tags if isinstance(tags, dict) else {}), **added}}
