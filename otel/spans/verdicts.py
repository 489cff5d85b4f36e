"""What becomes of a span: a call that is our expired session is dropped, the work around it is demoted.

The HTTP span knows the status and ends first; the chat span around it does not, and is known by what ended
below it, or by what `SessionGuard.instrument` recorded under it. What is above is the application's own work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, StatusCode
from opentelemetry.util.types import AnyValue

from sentry_filters import Failure, Response, SessionGuard
from sentry_filters.core import recognise
from sentry_filters.evidence import conventions, failure_of_tags, status_number
from sentry_filters.guard import parts_of

from ..evidence import (
    NOTHING_FAILED,
    CallFacts,
    ChildFailure,
    error_messages_of,
    errors_of,
    facts_of,
    lineage_of,
    matches,
    may_state_a_failure,
)
from ..pipeline import Outcome
from .demotion import demoted
from .waiting import PendingSpans

_REASON = "backend_session_expired"
# A request leaves a moment after the guard's hook saw it, before the HTTP span begins; clocks have a grain.
_CLOCK_GRAIN = 0.005


@dataclass(frozen=True, slots=True)
class _Ended:
    """A span that ended, in the terms of this module."""

    span: ReadableSpan
    attributes: dict[str, AnyValue]
    trace_id: str
    span_id: str
    parent_id: str | None
    failed: bool


class SpanVerdicts:
    """Judges ended spans, children before their parents. Thread-safe. Its callers catch what it raises.

    Args:
        guard: Decides, and knows what `instrument` recorded.
        pending: Where spans wait about which more is known when their parent ends.
    """

    def __init__(self, guard: SessionGuard, pending: PendingSpans) -> None:
        parts = parts_of(guard)
        self._decide = parts.decider.decide
        self._note = parts.decider.note
        self._call_of = parts.calls.call_of
        self._response_of = parts.calls.response_of
        self._policy = guard.policy
        self._lineage = lineage_of(guard)
        self._pending = pending

    def is_healthy(self, span: ReadableSpan, attributes: dict[str, AnyValue]) -> bool:
        """Say cheaply whether there is certainly nothing to judge."""
        return (
            span.status.status_code is not StatusCode.ERROR
            and self._lineage.is_empty
            and not may_state_a_failure(attributes)
        )

    def judged(
        self, span: ReadableSpan, attributes: dict[str, AnyValue], *, may_wait: bool = False
    ) -> tuple[Outcome, ReadableSpan | None]:
        """Return what becomes of `span`, and the span to export: the same object, a new one, or None.

        Args:
            span: It has ended.
            attributes: A copy of its attributes.
            may_wait: Whether it may wait until its parent ends.
        """
        failed = span.status.status_code is StatusCode.ERROR
        states_a_failure = failed or may_state_a_failure(attributes)
        context = span.context
        if context is None or (not states_a_failure and self._lineage.is_empty):
            return "exported", span
        trace_id, span_id = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        ended = _Ended(span, attributes, trace_id, span_id, _local_parent(span.parent), failed)
        child = self._lineage.child_failure(trace_id, span_id)
        if states_a_failure:
            facts = facts_of(attributes, span.kind, self._policy.domain)
            if facts.is_call:
                return self._call(ended, facts, child, may_wait=may_wait)
        elif child is NOTHING_FAILED:
            return "exported", span
        return self._work(ended, child)

    # Calls

    def _call(
        self, ended: _Ended, facts: CallFacts, child: ChildFailure, *, may_wait: bool
    ) -> tuple[Outcome, ReadableSpan | None]:
        failure = self._failure_of_call(ended, facts, child)
        if may_wait and failure is not None and self._is_known_better_later(ended, failure):
            self._pending.add((ended.trace_id, ended.parent_id or ""), ended.span)
            return "pending", None
        demotes = self._policy.span_action == "demote"
        messages = error_messages_of(ended.span)
        if failure is None or not self._decide("span", (failure,), demotes=demotes).drop:
            ambiguous = facts.status is None or facts.status in conventions.SESSION_STATUSES
            kept = ChildFailure(other_texts=messages, ambiguous_status=ambiguous, other_failed=True)
            self._hand_on(ended, child.merged_with(kept))
            return "exported", ended.span
        expired = ChildFailure(failure=failure, texts=messages)
        self._hand_on(ended, expired.merged_with(child))
        if demotes:
            alone = ChildFailure(failure=failure)
            return "demoted", demoted(ended.span, ended.attributes, alone, self._policy, everything=True)
        return "dropped", None

    def _is_known_better_later(self, ended: _Ended, failure: Failure) -> bool:
        """Say whether the body, read after the HTTP span's end, may say that this is not an expired session.

        Only what `instrument` sees is known later, under the span that was active when the call was made.
        """
        response = failure.response
        return (
            bool(self._policy.not_session_codes)
            and response is not None
            and not response.recorded
            and ended.parent_id is not None
            and self._call_of(ended.trace_id, ended.parent_id) is not None
            and recognise(failure, self._policy).drop
        )

    def _failure_of_call(self, ended: _Ended, facts: CallFacts, child: ChildFailure) -> Failure | None:
        text = ended.span.status.description or ""
        stated = failure_of_tags(facts.tags, text=text, at=_seconds(ended.span.end_time))
        tagged = replace(stated, trace_id=ended.trace_id)
        if facts.status is not None:
            return replace(tagged, response=self._response(ended, facts, facts.status))
        known = self._known(ended, child)
        if known.failure is not None and _is_all_of(ended, known, known.failure):
            return replace(tagged, response=known.failure.response)
        return tagged if tagged.status is not None or self._policy.provider in text else None

    def _response(self, ended: _Ended, facts: CallFacts, status: int) -> Response:
        response = Response(
            status=status,
            endpoint=facts.endpoint,
            path=facts.path,
            started_at=_seconds(ended.span.start_time),
            trace_id=ended.trace_id,
            span_id=ended.span_id,
        )
        # The request was seen while the span above was active: the HTTP span begins below the client's hooks.
        for span_id in (ended.parent_id, ended.span_id):
            seen = None if span_id is None else self._as_instrument_saw(response, ended.trace_id, span_id)
            if seen is not None:
                return seen
        return response

    def _as_instrument_saw(self, response: Response, trace_id: str, span_id: str) -> Response | None:
        """Return the response with what `instrument` knows of its call, None where it saw no such call."""
        call = self._call_of(trace_id, span_id)
        if call is None:
            return None
        recorded = self._response_of(trace_id, span_id)
        if (
            recorded is not None
            and recorded.started_at == call.started_at
            and recorded.status == response.status
        ):
            return recorded
        if response.started_at is not None and call.started_at > response.started_at + _CLOCK_GRAIN:
            return None
        return replace(response, session=call.session, started_at=call.started_at, operation=call.operation)

    # The application's own work

    def _work(self, ended: _Ended, child: ChildFailure) -> tuple[Outcome, ReadableSpan | None]:
        decided = child.failure is not None
        known = child if decided else self._failure_here(ended, child)
        result = demoted(ended.span, ended.attributes, known, self._policy)
        if known.failure is None or result is None:
            self._hand_on(ended, child.merged_with(ChildFailure(other_failed=ended.failed)))
            return "exported", ended.span
        if decided:
            self._note("span", "demote", _REASON, known.failure)
        self._hand_on(ended, replace(known, texts=known.texts | error_messages_of(ended.span)))
        return "demoted", result

    def _failure_here(self, ended: _Ended, child: ChildFailure) -> ChildFailure:
        """Return the failure of ours that the application's own span is the first to report, if any."""
        if not ended.failed:
            return NOTHING_FAILED
        errors = errors_of(ended.span)
        known = self._known(ended, child)
        if not any(matches(error, known) for error in errors):
            text = next((one.message for one in errors if self._policy.provider in one.message), None)
            if text is None:
                return NOTHING_FAILED
            failure = Failure(text=text, at=_seconds(ended.span.end_time), trace_id=ended.trace_id)
            known = replace(child, failure=failure, texts=frozenset({text}))
        if known.failure is None or not self._decide("span", (known.failure,), demotes=True).drop:
            return NOTHING_FAILED
        return known

    def _known(self, ended: _Ended, child: ChildFailure) -> ChildFailure:
        """Return what may be the failure behind a span that does not state it."""
        return child.or_recorded(self._response_of(ended.trace_id, ended.span_id), ended.trace_id)

    def _hand_on(self, ended: _Ended, child: ChildFailure) -> None:
        self._lineage.add(ended.trace_id, ended.parent_id, child)


def _is_all_of(ended: _Ended, known: ChildFailure, failure: Failure) -> bool:
    """Say whether all that a span of a call says about errors is this failure's; it may say nothing."""
    named = status_number(ended.attributes.get(conventions.ERROR_TYPE))
    if named is not None and failure.response is not None and named != failure.response.status:
        return False
    return all(matches(error, known) for error in errors_of(ended.span))


def _local_parent(parent: SpanContext | None) -> str | None:
    return None if parent is None or parent.is_remote else f"{parent.span_id:016x}"


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9
