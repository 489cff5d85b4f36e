"""Our failures' spans, as Sentry sends them: inside transactions, and streamed one by one.

A provider call is one or two spans: the chat span of an LLM integration, which does not know the status, and
its HTTP child, which does. Both go; what other work hung below them moves up to the nearest span that stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sentry_filters.core import Counters, Decider, Decision
from sentry_filters.evidence import (
    Failure,
    Response,
    SpanMemory,
    conventions,
    endpoint_of_url,
    failure_of_tags,
    path_of_url,
    status_number,
)

Span = Mapping[str, object]

_FINE = frozenset({"ok", "", "none", "None"})
# What the failure of a provider call, which may not know its status, is never without.
_MARKS = (b"gen_ai", *(str(status).encode() for status in conventions.SESSION_STATUSES))


class ResponseLookup(Protocol):
    """`Calls.response_of`."""

    def __call__(self, trace_id: str, span_id: str) -> Response | None:
        """Return the failed response that arrived while this span was active."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """One span in the terms that transactions and streamed spans share."""

    trace_id: str
    span_id: str
    parent_id: str | None
    op: str
    failed: bool
    url: str
    method: str | None
    status: int | None
    tags: Mapping[str, object]

    @property
    def is_provider_call(self) -> bool:
        return self.op == "http.client" or self.op.startswith(("gen_ai.", "ai."))


class SpanFilter:
    """Finds the spans of our expired session. Used by hooks and transport, which catch what it raises.

    Args:
        decider: Decides about a span's failure.
        response_of: The facts that `instrument` recorded under a span.
        counters: Where dropped spans are counted.
    """

    def __init__(self, decider: Decider, response_of: ResponseLookup, counters: Counters) -> None:
        self._decider = decider
        self._response_of = response_of
        self._counters = counters
        # Streamed spans of one call may leave in different envelopes: the HTTP child first.
        self._parents: SpanMemory[Decision] = SpanMemory()

    def without_failures(self, event: dict[str, object]) -> dict[str, object]:
        """Return the transaction without our failures' spans, the same object where it has none.

        Where spans went, the transaction's own `unauthenticated` status becomes `cancelled`.
        """
        spans = event.get("spans")
        if not isinstance(spans, list) or not any(map(_may_have_failed, spans)):
            return event
        dropped = self._dropped([_of_transaction(span) for span in spans if isinstance(span, dict)])
        if not dropped:
            return event
        kept = [_moved_up(span, dropped) for span in spans if _span_id(span) not in dropped]
        return {**_cancelled(event), "spans": kept}

    def without_streamed_failures(self, spans: Sequence[dict[str, object]]) -> list[dict[str, object]]:
        """Return streamed spans without our failures', each of the rest as the same object."""
        dropped = self._dropped([_of_stream(span) for span in spans])
        return [_moved_up(span, dropped) for span in spans if _span_id(span) not in dropped]

    def decisions(self, spans: Sequence[Span], *, streamed: bool) -> dict[str, Decision]:
        """Decide about a transaction's spans, or streamed ones, by their ids; all of them stay."""
        return self._decided([_of_stream(span) if streamed else _of_transaction(span) for span in spans])

    def _dropped(self, facts: Sequence[_Facts]) -> dict[str, str | None]:
        """Return the ids of the spans to drop, each with its parent's."""
        decided = self._decided(facts)
        dropped = {span.span_id: span.parent_id for span in facts if _is_dropped(decided.get(span.span_id))}
        if dropped:
            self._counters.saw("span", "dropped", by=len(dropped))
        return dropped

    def _decided(self, facts: Sequence[_Facts]) -> dict[str, Decision]:
        """Decide about the failed calls among spans, by their ids; one whose child is ours goes with it."""
        # One without an id cannot be distinguished from others without one: it is kept.
        calls = [span for span in facts if span.span_id and span.failed and span.is_provider_call]
        failures = ((span, self._failure(span)) for span in calls)
        decided = {span.span_id: self._decision(span, one) for span, one in failures if one is not None}
        for span in calls:
            below = self._parents.get(span.trace_id, span.span_id)
            if below is not None:
                decided[span.span_id] = below
        return decided

    def _decision(self, span: _Facts, failure: Failure) -> Decision:
        decision = self._decider.decide("span", (failure,))
        if decision.recognised and span.parent_id is not None:
            self._parents.put(span.trace_id, span.parent_id, value=decision)
        return decision

    def _failure(self, span: _Facts) -> Failure | None:
        tagged = replace(failure_of_tags(span.tags), trace_id=span.trace_id)
        response = self._response_of(span.trace_id, span.span_id)
        if response is None and span.status is not None:
            response = Response(
                status=span.status,
                endpoint=endpoint_of_url(span.url),
                path=path_of_url(span.url),
                method=span.method,
            )
        return None if response is None and tagged.status is None else replace(tagged, response=response)


def may_hold_failures(serialised: bytes) -> bool:
    """Say cheaply whether serialised streamed spans can hold one of our failures."""
    return b'"error"' in serialised and any(mark in serialised for mark in _MARKS)


def _is_dropped(decision: Decision | None) -> bool:
    return decision is not None and decision.drop


def _may_have_failed(span: object) -> bool:
    return isinstance(span, dict) and _status_text(span) not in _FINE


def _of_transaction(span: Span) -> _Facts:
    attributes = {**_mapping(span.get("data")), **_mapping(span.get("tags"))}
    return _facts(span, attributes, op=span.get("op"), name=span.get("description"))


def _of_stream(span: Span) -> _Facts:
    attributes = {key: _value(value) for key, value in _mapping(span.get("attributes")).items()}
    return _facts(span, attributes, op=attributes.get(conventions.SENTRY_OP), name=span.get("name"))


def _facts(span: Span, attributes: Mapping[str, object], *, op: object, name: object) -> _Facts:
    named_method, named_url = _of_name(_text(name))
    methods = (_text(attributes.get(key)) for key in conventions.HTTP_METHOD)
    urls = (_text(attributes.get(key)) for key in conventions.URL)
    statuses = (attributes[key] for key in conventions.HTTP_STATUS if key in attributes)
    return _Facts(
        trace_id=_text(span.get("trace_id")),
        span_id=_text(span.get("span_id")),
        parent_id=_text(span.get("parent_span_id")) or None,
        op=_text(op),
        failed=_status_text(span) not in _FINE,
        url=next(filter(None, urls), "") or named_url,
        method=next(filter(None, methods), named_method).upper() or None,
        status=status_number(next(statuses, None)),
        tags=attributes,
    )


def _moved_up(span: dict[str, object], dropped: Mapping[str, str | None]) -> dict[str, object]:
    """Return the span below what is left of its ancestors; what is not a span is left as it is."""
    parent: str | None = _text(_mapping(span).get("parent_span_id"))
    if parent not in dropped:
        return span
    for _ in range(len(dropped)):
        if parent is None or parent not in dropped:
            break
        parent = dropped[parent]
    return {**span, "parent_span_id": parent}


def _cancelled(event: dict[str, object]) -> dict[str, object]:
    contexts = _mapping(event.get("contexts"))
    trace = _mapping(contexts.get("trace"))
    if trace.get("status") != "unauthenticated":
        return event
    return {**event, "contexts": {**contexts, "trace": {**trace, "status": "cancelled"}}}


def _span_id(span: object) -> str:
    return _text(_mapping(span).get("span_id"))


def _status_text(span: Mapping[str, object]) -> str:
    status = span.get("status")
    return status if isinstance(status, str) else ("none" if status is None else "error")


def _of_name(name: str) -> tuple[str, str]:
    """Return method and URL out of "POST https://…", as Sentry names its HTTP spans; else empty."""
    method, _, url = name.partition(" ")
    return (method, url) if url.startswith(("http://", "https://")) else ("", "")


def _value(attribute: object) -> object:
    return attribute.get("value") if isinstance(attribute, Mapping) else attribute


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
