"""What becomes of a span: a call that is our expired session goes, the work around it is told so.

The HTTP span knows the status and ends first; the chat span around it does not, and is known by what ended
below it, or by what `SessionGuard.instrument` recorded under it. What is above is the application's own work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode
from opentelemetry.util.types import AnyValue

from sentry_filters import Failure, Response, SessionGuard
from sentry_filters.core import recognise
from sentry_filters.evidence import conventions, failure_of_tags, status_number

from .. import telemetry
from ..evidence import (
    Below,
    CallFacts,
    ErrorText,
    Lineage,
    error_of,
    errors,
    facts_of,
    is_of,
    may_tell_a_failure,
    texts,
)
from ..redaction import sdk_records
from .waiting import HeldSpans

Outcome = Literal["exported", "dropped", "demoted", "waits"]

_UNSET = Status(StatusCode.UNSET)
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

    @property
    def description(self) -> str:
        return self.span.status.description or ""


class SpanVerdicts:
    """Judges ended spans, children before their parents. Thread-safe. Its callers catch what it raises.

    Args:
        guard: Decides, and knows what `instrument` recorded.
        held: Where spans wait that are known better when their parent ends.
    """

    def __init__(self, guard: SessionGuard, held: HeldSpans) -> None:
        self._guard = guard
        self._held = held
        self._policy = guard.policy
        self._lineage = guard.part(Lineage)

    def is_healthy(self, span: ReadableSpan, attributes: dict[str, AnyValue]) -> bool:
        """Say cheaply whether there is certainly nothing to judge."""
        return (
            span.status.status_code is not StatusCode.ERROR
            and self._lineage.is_empty
            and not may_tell_a_failure(attributes)
        )

    def judged(
        self, span: ReadableSpan, attributes: dict[str, AnyValue], *, waits: bool
    ) -> tuple[Outcome, ReadableSpan | None]:
        """Return what becomes of `span`, and the span to export: the same object, a new one, or None.

        Args:
            span: It has ended.
            attributes: A copy of its attributes.
            waits: Whether it may be held until its parent ends.
        """
        failed = span.status.status_code is StatusCode.ERROR
        told = failed or may_tell_a_failure(attributes)
        context = span.context
        if context is None or (not told and self._lineage.is_empty):
            return "exported", span
        ended = _Ended(
            span,
            attributes,
            f"{context.trace_id:032x}",
            f"{context.span_id:016x}",
            _local_parent(span.parent),
            failed,
        )
        below = self._lineage.below(ended.trace_id, ended.span_id)
        if told:
            facts = facts_of(attributes, span.kind, self._policy.domain)
            if facts.is_call:
                return self._call(ended, facts, below, waits=waits)
            return self._work(ended, below)
        return ("exported", span) if below is None else self._work(ended, below)

    def _call(
        self, ended: _Ended, facts: CallFacts, below: Below | None, *, waits: bool
    ) -> tuple[Outcome, ReadableSpan | None]:
        failure = self._failure_of_call(ended, facts, below)
        if waits and failure is not None and self._is_known_better_later(ended, failure):
            self._held.hold((ended.trace_id, ended.parent_id or ""), ended.span)
            return "waits", None
        demotes = self._policy.span_action == "demote"
        if failure is not None and self._guard.decide("span", (failure,), demotes=demotes).drop:
            known = Below(failure=failure, texts=texts(ended.span))
            self._hand_on(
                ended, known if below is None else replace(below, failure=failure).merged_with(known)
            )
            if demotes:
                return "demoted", self._demoted(ended, Below(failure=failure), everything=True)
            return "dropped", None
        rival = facts.status is None or facts.status in conventions.SESSION_STATUSES
        kept = Below(other_texts=texts(ended.span), rival=rival, others=True)
        self._hand_on(ended, kept if below is None else below.merged_with(kept))
        return "exported", ended.span

    def _is_known_better_later(self, ended: _Ended, failure: Failure) -> bool:
        """Say whether the body, read after the HTTP span's end, may say that this is no expired session.

        Only what `instrument` sees is known later, under the span that was active when the call was made.
        """
        response = failure.response
        return (
            bool(self._policy.not_session_codes)
            and response is not None
            and not response.recorded
            and ended.parent_id is not None
            and self._guard.call_of(ended.trace_id, ended.parent_id) is not None
            and recognise(failure, self._policy).drop
        )

    def _failure_of_call(self, ended: _Ended, facts: CallFacts, below: Below | None) -> Failure | None:
        tagged = replace(
            failure_of_tags(facts.tags, text=ended.description, at=_seconds(ended.span.end_time)),
            trace_id=ended.trace_id,
        )
        if facts.status is not None:
            return replace(tagged, response=self._response(ended, facts))
        for known in self._known(ended, below):
            if _is_all_of(ended, known):
                return replace(tagged, response=None if known.failure is None else known.failure.response)
        return tagged if tagged.status is not None or self._policy.provider in tagged.text else None

    def _response(self, ended: _Ended, facts: CallFacts) -> Response:
        started_at = _seconds(ended.span.start_time)
        response = Response(
            status=facts.status or 0,
            endpoint=facts.endpoint,
            path=facts.path,
            started_at=started_at,
            trace_id=ended.trace_id,
            span_id=ended.span_id,
        )
        # The request was seen while the span above was active: the HTTP span begins below the client's hooks.
        for span_id in (ended.parent_id, ended.span_id):
            call = None if span_id is None else self._guard.call_of(ended.trace_id, span_id)
            if span_id is None or call is None:
                continue
            recorded = self._guard.response_of(ended.trace_id, span_id)
            if (
                recorded is not None
                and recorded.started_at == call.started_at
                and recorded.status == facts.status
            ):
                return recorded
            if started_at is None or call.started_at <= started_at + _CLOCK_GRAIN:
                return replace(
                    response, session=call.session, started_at=call.started_at, operation=call.operation
                )
        return response

    def _known(self, ended: _Ended, below: Below | None) -> Iterator[Below]:
        """Yield what may be the failure behind a span that does not state it."""
        recorded = self._guard.response_of(ended.trace_id, ended.span_id)
        if recorded is not None:
            failure = Failure(response=recorded, trace_id=ended.trace_id)
            yield replace(below or Below(), failure=failure)
        elif below is not None and below.failure is not None:
            yield below

    def _work(self, ended: _Ended, below: Below | None) -> tuple[Outcome, ReadableSpan | None]:
        decided = below is not None and below.failure is not None
        known = below if decided else self._failure_here(ended, below)
        demoted = None if known is None else self._demoted(ended, known)
        if known is None or known.failure is None or demoted is None:
            still_failed = Below(others=True) if ended.failed else Below()
            self._hand_on(ended, still_failed if below is None else below.merged_with(still_failed))
            return "exported", ended.span
        if decided:
            self._guard.note("span", "demote", _REASON, known.failure)
        self._hand_on(ended, replace(known, texts=known.texts | texts(ended.span)))
        return "demoted", demoted

    def _failure_here(self, ended: _Ended, below: Below | None) -> Below | None:
        """Return the failure of ours that the application's own span is the first to tell of, else None."""
        if not ended.failed:
            return None
        found = errors(ended.span)
        for known in self._known(ended, below):
            failure = known.failure
            if failure is not None and any(is_of(error, known) for error in found):
                return known if self._guard.decide("span", (failure,), demotes=True).drop else None
        text = next((error.message for error in found if self._policy.provider in error.message), None)
        if text is None:
            return None
        failure = Failure(text=text, at=_seconds(ended.span.end_time), trace_id=ended.trace_id)
        if not self._guard.decide("span", (failure,), demotes=True).drop:
            return None
        return replace(below or Below(), failure=failure, texts=frozenset({text}))

    def _demoted(self, ended: _Ended, known: Below, *, everything: bool = False) -> ReadableSpan | None:
        """Return the span with one `session.expired` event for this failure's marks, None where it has none.

        Args:
            ended: The span.
            known: The failure, and what else failed below.
            everything: Whether all that the span says about errors is this failure's.
        """
        span = ended.span
        if known.failure is None:
            return None
        copies = [event for event in span.events if event.name == conventions.EXCEPTION_EVENT]
        ours = [event for event in copies if everything or is_of(error_of(event), known)]
        clears = ended.failed and (everything or _is_status_of(ended, known, copies, ours))
        if not ours and not clears:
            return None
        told = Event(
            telemetry.SESSION_EXPIRED,
            telemetry.of_failure(known.failure, self._policy),
            ours[0].timestamp if ours else span.end_time,
        )
        events: list[Event] = []
        for event in span.events:
            if not any(event is one for one in ours):
                events.append(event)
            elif event is ours[0]:
                events.append(told)
        if not ours:
            events.append(told)
        return sdk_records.rebuilt_span(
            span,
            attributes=dict(ended.attributes),
            events=tuple(events),
            status=_UNSET if clears else span.status,
        )

    def _hand_on(self, ended: _Ended, below: Below) -> None:
        if below != Below():
            self._lineage.note(ended.trace_id, ended.parent_id, below)


def _is_all_of(ended: _Ended, known: Below) -> bool:
    """Say whether all that a span of a call says about errors is this failure's; it may say nothing."""
    response = None if known.failure is None else known.failure.response
    named = status_number(ended.attributes.get(conventions.ERROR_TYPE))
    if named is not None and response is not None and named != response.status:
        return False
    return all(is_of(error, known) for error in errors(ended.span))


def _is_status_of(ended: _Ended, known: Below, copies: list[Event], ours: list[Event]) -> bool:
    description = ended.description
    if not description:
        if copies:
            return len(ours) == len(copies)
        # A bare ERROR: the failure's where nothing else can have made it.
        return not known.others and all(name not in ended.attributes for name in conventions.HTTP_STATUS)
    if is_of(ErrorText(description), known):
        return True
    return any(message in description for event in ours if (message := error_of(event).message))


def _local_parent(parent: SpanContext | None) -> str | None:
    return None if parent is None or parent.is_remote else f"{parent.span_id:016x}"


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9
