"""Deciding about recorded events, transactions and logs by a policy, as its guard would, without a guard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sentry_filters.core import (
    AuditTrail,
    Backends,
    BackendSessions,
    Counters,
    Decider,
    Decision,
    EventBus,
    KnownHosts,
    Policy,
    SessionExpired,
    Weighing,
)
from sentry_filters.evidence import Failure, conventions
from sentry_filters.preview.difference import Outcome
from sentry_filters.preview.files import Item, Payload
from sentry_filters.redaction import Redactor
from sentry_filters.sentry import SpanFilter, failures_of_event, failures_of_telemetry

UNRELATED = Outcome("keep", "unrelated")

_SIGNALS: Mapping[str, str] = {"event": "event", "log": "log", "metric": "metric"}


class Judge:
    """Decides in shadow mode, in the order in which it is asked, as if somebody listened for expiries.

    What is recorded has no exception, and no call that `instrument` saw: it is judged by what it says itself.

    Args:
        policy: The rule.
        redactor: Cleans labels.
    """

    def __init__(self, policy: Policy, redactor: Redactor) -> None:
        policy = replace(policy, mode="shadow", healing_window=0.0)  # nobody is told, so nobody waits
        backends = Backends(policy)
        trail = AuditTrail(backends, Counters(), redactor)
        bus = EventBus()
        bus.subscribe(_somebody)
        sessions = BackendSessions(backends, bus, trail, redactor)
        weighing = Weighing(backends, sessions, lambda _: None)  # no call is under way
        self._decider = Decider(sessions, trail, weighing, KnownHosts(backends, trail.labels), is_shadow=True)
        self._spans = SpanFilter(self._decider, lambda _trace_id, _span_id: None, trail.counters)

    def outcomes(self, item: Item) -> dict[str, Outcome]:
        """Return what is decided: by the ids of a transaction's spans, of anything else under an empty id."""
        if item.shape in _SIGNALS:
            return {"": self._of_report(item)}
        spans = [span for _, span in spans_of(item)]
        decisions = self._spans.decisions(spans, streamed=item.shape == "spans")
        return {span_id: _outcome(decision) for span_id, decision in decisions.items()}

    def _of_report(self, item: Item) -> Outcome:
        if item.shape == "event":
            failures = failures_of_event(item.payload, {}, _no_failures)
        else:
            failures = failures_of_telemetry(item.payload, _no_failures)
        signal = _SIGNALS[item.shape]
        return _outcome(self._decider.decide(signal, failures, can_show=signal == "event"))


def spans_of(item: Item) -> Iterator[tuple[str, Payload]]:
    """Yield the spans of a transaction, or streamed ones, with their ids."""
    spans = item.payload.get("items" if item.shape == "spans" else "spans")
    for span in spans if isinstance(spans, list) else ():
        if isinstance(span, dict):
            yield str(span.get("span_id", "")), span


def example_of(item: Item, span_id: str) -> dict[str, object]:
    """Return what shows a person which report it is."""
    payload = (
        next((span for known, span in spans_of(item) if known == span_id), {}) if span_id else item.payload
    )
    tags = _pairs(payload.get("tags")) | _pairs(payload.get("attributes"))
    known = {name: tags[name] for name in conventions.TAG_NAMES if name in tags}
    signal = "span" if span_id else item.shape
    return {"place": item.place, "signal": signal, "span": span_id, "text": _text_of(payload), **known}


def _text_of(payload: Mapping[str, object]) -> object:
    exception, entry = payload.get("exception"), payload.get("logentry")
    values = exception.get("values") if isinstance(exception, Mapping) else exception
    if isinstance(values, list) and values and isinstance(values[-1], Mapping):
        return values[-1].get("value")
    if isinstance(entry, Mapping):
        return entry.get("formatted") or entry.get("message")
    places = ("message", "body", "description", "name", "op")
    return next((payload[place] for place in places if payload.get(place)), None)


def _pairs(tags: object) -> dict[str, object]:
    """Return tags or attributes, in any of Sentry's shapes, by name."""
    if isinstance(tags, list):
        return {str(pair[0]): pair[1] for pair in tags if isinstance(pair, list | tuple) and len(pair) == 2}
    if not isinstance(tags, Mapping):
        return {}
    return {
        str(name): value.get("value") if isinstance(value, Mapping) else value for name, value in tags.items()
    }


def _outcome(decision: Decision) -> Outcome:
    return Outcome("drop" if decision.recognised else "keep", decision.verdict.reason)


def _no_failures(_error: object) -> tuple[Failure, ...]:
    return ()


def _somebody(_event: SessionExpired) -> None:
    """Listen, so that nothing has to be shown because nobody does."""
