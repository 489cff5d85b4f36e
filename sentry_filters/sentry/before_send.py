"""Sentry's hooks: recognition first, then the user's own hook; what passes is handed on as it came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from sentry_filters.core import Decision
from sentry_filters.evidence import Failure
from sentry_filters.sentry.evidence import failure_of_telemetry, failures_of_event
from sentry_filters.sentry.spans import SpanFilter

Payload = dict[str, object]
Hint = dict[str, object]
Hook = Callable[[Payload, Hint], Payload | None]

UNHANDLED: Mapping[str, str] = {"session_expired": "unhandled"}
"""The tag of a dead session's first failure where nobody listens."""


class Decide(Protocol):
    """`Decider.decide`."""

    def __call__(self, signal: str, failures: tuple[Failure, ...], *, can_show: bool = False) -> Decision:
        """Decide about one report."""


class SentryHooks:
    """The hooks that recognise. They never raise; where recognition fails, what came is kept.

    Args:
        decide: The decision about a report's failures; acts on what it finds, never raises.
        spans: Takes our failures' spans out of transactions.
        extension_key: Where `instrument` left its facts.
        reporting: Set while `SessionGuard.report` hands Sentry what it has decided itself.
        count: Counts what is dropped here, by signal.
        fault: Told of every fault of our own.
    """

    def __init__(
        self,
        decide: Decide,
        spans: SpanFilter,
        extension_key: str,
        reporting: ContextVar[bool],
        count: Callable[[str], None],
        fault: Callable[[str, BaseException], None],
    ) -> None:
        self._decide = decide
        self._spans = spans
        self._extension_key = extension_key
        self._reporting = reporting
        self._count = count
        self._fault = fault

    @contextmanager
    def deciding_by(self, decide: Decide) -> Iterator[None]:
        """Ask another `decide` for the time of the block: a rehearsal must not publish."""
        usual, self._decide = self._decide, decide
        try:
            yield
        finally:
            self._decide = usual

    def before_send(self, event: Payload, hint: Hint) -> Payload | None:
        """Drop our expired session's error events; a healthy event comes back as the same object.

        The first failure of a session that nobody listens for is kept, tagged `session_expired=unhandled`.
        """
        if self._reporting.get():
            return event
        try:
            failures = failures_of_event(event, hint or {}, self._extension_key)
            decision = self._decide("event", failures, can_show=True)
            if decision.show:
                return tagged(event, UNHANDLED)
            if not decision.drop:
                return event
            self._count("event")
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
            decision = self._decide(signal, (failure_of_telemetry(item),))
            if not decision.drop:
                return item
            self._count(signal)
        except Exception as error:  # noqa: BLE001 - in doubt, keep
            self._fault(f"before_send_{signal}", error)
            return item
        return None


def chained(first: Hook, second: Hook | None) -> Hook:
    """Return a hook that calls `second` with what `first` lets through; what `second` raises goes on."""
    if second is None:
        return first

    def hook(payload: Payload, hint: Hint) -> Payload | None:
        passed = first(payload, hint)
        return None if passed is None else second(passed, hint)

    return hook


def tagged(event: Mapping[str, object], added: Mapping[str, str]) -> Payload:
    """Return a shallow copy of `event` with tags added, in whichever of Sentry's two shapes it has them."""
    tags = event.get("tags")
    if isinstance(tags, list):
        return {**event, "tags": [*tags, *([key, value] for key, value in added.items())]}
    return {**event, "tags": {**(tags if isinstance(tags, dict) else {}), **added}}
