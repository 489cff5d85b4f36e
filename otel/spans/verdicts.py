"""What becomes of a span: a call that is our expired session is dropped, the work around it is demoted.

The HTTP span knows the status and ends first; the chat span around it does not, and is known by what ended
below it, or by what `SessionGuard.instrument` recorded under it. What is above is the application's own work.
"""

from __future__ import annotations

from dataclasses import replace

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from sentry_filters import Failure, Policy, Response, SessionGuard
from sentry_filters.core import REFUSED_BY_GATE
from sentry_filters.evidence import conventions, failure_of_tags, status_number
from sentry_filters.guard import parts_of

from ..evidence import (
    NOTHING_FAILED,
    ChildFailure,
    error_messages_of,
    errors_of,
    leads_to,
    lineage_of,
    matches,
    may_state_a_failure,
)
from ..pipeline import Outcome
from ..redaction import sdk_records
from .demotion import demoted, without_refusal
from .ended import EndedSpan, Held
from .hindsight import Hindsight


class SpanVerdicts:
    """Judges ended spans, children before their parents. Thread-safe. Its callers catch what it raises.

    Args:
        guard: Decides, and knows what `instrument` recorded.
        hindsight: Knows more of the calls whose spans wait.
    """

    def __init__(self, guard: SessionGuard, hindsight: Hindsight) -> None:
        parts = parts_of(guard)
        self._decide = parts.decider.decide
        self._note = parts.decider.note
        self._response_of = parts.calls.response_of
        self._nearby = parts.calls.nearby
        self._backends = parts.backends
        self._lineage = lineage_of(guard)
        self._hindsight = hindsight

    def is_healthy(self, span: ReadableSpan) -> bool:
        """Say cheaply whether there is certainly nothing to judge: neither it nor anything below failed."""
        context = span.context
        return (
            span.status.status_code is not StatusCode.ERROR
            and not may_state_a_failure(sdk_records.glance_at(span))
            and (
                context is None
                or self._lineage.child_failure(context.trace_id, context.span_id) is NOTHING_FAILED
            )
        )

    def failure_of_call(self, ended: EndedSpan) -> Failure | None:
        """Return the failure of a call that may be our expired session, None where the span is of none."""
        if not (ended.failed or may_state_a_failure(ended.attributes)) or not ended.facts.is_call:
            return None
        return self._failure_of_call(ended, self._child_failure(ended))

    def judged(self, held: Held) -> tuple[Outcome, ReadableSpan | None]:
        """Return what becomes of a span, and the span to export: the same object, a new one, or None.

        Args:
            held: It has ended, and waits no longer.
        """
        ended = held.ended
        refused = without_refusal(ended, self._backends) if ended.failed else None
        if refused is not None:
            self._note("span", "demote", REFUSED_BY_GATE, None)
            return "demoted", refused
        child = self._child_failure(ended)
        if held.healed:
            return self._healed(ended, held.failure, child)
        if (ended.failed or may_state_a_failure(ended.attributes)) and ended.facts.is_call:
            return self._call(ended, held.failure or self._failure_of_call(ended, child), child)
        if not ended.failed and child is NOTHING_FAILED:
            return "exported", ended.span
        return self._work(ended, child)

    def _child_failure(self, ended: EndedSpan) -> ChildFailure:
        """Return what failed below a span, or elsewhere in its trace where all its errors tell of that."""
        trace_id = ended.context.trace_id
        child = self._lineage.child_failure(trace_id, ended.context.span_id)
        began, until = ended.started_at, ended.ended_at
        if child is not NOTHING_FAILED or not ended.failed or began is None or until is None:
            return child
        elsewhere = self._lineage.elsewhere(trace_id, began, until)
        if elsewhere.failure is None or not self._is_only_choice(ended, elsewhere.failure, began, until):
            return child
        errors = errors_of(ended.span)
        return elsewhere if errors and all(leads_to(error, elsewhere) for error in errors) else child

    def _is_only_choice(self, ended: EndedSpan, failure: Failure, began: float, until: float) -> bool:
        """Say whether no other call is known to have failed meanwhile, where `instrument` sees them."""
        response = failure.response
        if response is None or not response.recorded:
            return True
        nearby = self._nearby.between(ended.trace_id, began, until)
        return nearby is not None and nearby.endpoint == response.endpoint

    # Calls

    def _healed(
        self, ended: EndedSpan, failure: Failure | None, child: ChildFailure
    ) -> tuple[Outcome, ReadableSpan | None]:
        self._note("span", "keep", "healed", failure)
        healed = ChildFailure(ambiguous_status=True, other_failed=True, healed=True)
        self._hand_on(ended, child.merged_with(healed))
        return "exported", ended.span

    def _call(
        self, ended: EndedSpan, failure: Failure | None, child: ChildFailure
    ) -> tuple[Outcome, ReadableSpan | None]:
        messages = error_messages_of(ended.span)
        demotes = failure is not None and self._policy_of(failure).span_action == "demote"
        decision = None if failure is None else self._decide("span", (failure,), demotes=demotes)
        if failure is None or decision is None or not decision.recognised:
            ambiguous = ended.facts.status is None or ended.facts.status in conventions.SESSION_STATUSES
            kept = ChildFailure(other_texts=messages, ambiguous_status=ambiguous, other_failed=True)
            self._hand_on(ended, child.merged_with(kept))
            return "exported", ended.span
        expired = ChildFailure(failure=failure, texts=messages, reason=decision.verdict.reason)
        self._hand_on(ended, expired.merged_with(child))
        if demotes:
            alone = ChildFailure(failure=failure)
            return "demoted", demoted(
                ended.span, ended.attributes, alone, self._policy_of(failure), everything=True
            )
        return "dropped", None

    def _failure_of_call(self, ended: EndedSpan, child: ChildFailure) -> Failure | None:
        facts, text = ended.facts, ended.span.status.description or ""
        stated = failure_of_tags(facts.tags, text=text, at=ended.ended_at)
        tagged = replace(stated, trace_id=ended.trace_id)
        if facts.status is not None:
            return replace(tagged, response=self._response(ended, facts.status))
        known = self._known(ended, child)
        if (
            known.failure is not None
            and not _is_of_another_origin(ended, known.failure)
            and _is_all_of(ended, known, known.failure)
        ):
            return replace(tagged, response=known.failure.response)
        if tagged.status is None and self._backends.provider_in(text) is None:
            return None
        # What was sent elsewhere is another's failure, whatever is said of it.
        return replace(tagged, rivals=frozenset() if facts.endpoint is None else frozenset({facts.endpoint}))

    def _response(self, ended: EndedSpan, status: int) -> Response:
        facts = ended.facts
        response = Response(
            status=status,
            endpoint=facts.endpoint,
            path=facts.path,
            method=facts.method,
            started_at=ended.started_at,
            trace_id=ended.trace_id,
            span_id=f"{ended.context.span_id:016x}",
        )
        return self._hindsight.as_recorded(ended, response)

    # The application's own work

    def _work(self, ended: EndedSpan, child: ChildFailure) -> tuple[Outcome, ReadableSpan | None]:
        decided = child.failure is not None
        known = child if decided else self._failure_here(ended, child)
        result = None
        if known.failure is not None:
            result = demoted(ended.span, ended.attributes, known, self._policy_of(known.failure))
        if known.failure is None or result is None:
            # Its texts, too: a short one of ours may stand in them, and in what is above both.
            texts = error_messages_of(ended.span) if ended.failed else frozenset[str]()
            kept = ChildFailure(other_texts=texts, other_failed=ended.failed)
            self._hand_on(ended, child.merged_with(kept))
            return "exported", ended.span
        if decided:
            recognised = self._backends.recognise(known.failure)
            self._note("span", "demote", known.reason, known.failure, recognised=recognised)
        self._hand_on(ended, replace(known, texts=known.texts | error_messages_of(ended.span)))
        return "demoted", result

    def _failure_here(self, ended: EndedSpan, child: ChildFailure) -> ChildFailure:
        """Return the failure of ours that the application's own span is the first to report, if any."""
        if not ended.failed or ended.facts.is_elsewhere:
            return NOTHING_FAILED
        errors = errors_of(ended.span)
        known = self._known(ended, child)
        if not any(matches(error, known) for error in errors):
            text = next((one.message for one in errors if self._backends.provider_in(one.message)), None)
            if text is None:
                return NOTHING_FAILED
            stated = failure_of_tags(ended.facts.tags, text=text, at=ended.ended_at)
            failure = replace(stated, trace_id=ended.trace_id)
            known = replace(child, failure=failure, texts=frozenset({text}))
        if known.failure is None:
            return NOTHING_FAILED
        decision = self._decide("span", (known.failure,), demotes=True)
        return replace(known, reason=decision.verdict.reason) if decision.recognised else NOTHING_FAILED

    def _known(self, ended: EndedSpan, child: ChildFailure) -> ChildFailure:
        """Return what may be the failure behind a span that does not state it."""
        recorded = self._response_of(ended.trace_id, f"{ended.context.span_id:016x}")
        started, at = ended.started_at, ended.ended_at
        if recorded is None and child is NOTHING_FAILED and ended.facts.is_call and started and at:
            recorded = self._nearby.between(ended.trace_id, started, at)  # it was never the current span
        return child.or_recorded(recorded, ended.trace_id)

    def _policy_of(self, failure: Failure) -> Policy:
        return self._backends.of(failure)

    def _hand_on(self, ended: EndedSpan, child: ChildFailure) -> None:
        self._lineage.add(ended.context.trace_id, ended.parent_id, child)


def _is_of_another_origin(ended: EndedSpan, failure: Failure) -> bool:
    """Say whether a span of a call names another host than the failed one's."""
    named = ended.facts.endpoint
    return named is not None and failure.endpoint is not None and named.host != failure.endpoint.host


def _is_all_of(ended: EndedSpan, known: ChildFailure, failure: Failure) -> bool:
    """Say whether all that a span of a call says about errors is this failure's; it may say nothing."""
    named = status_number(ended.attributes.get(conventions.ERROR_TYPE))
    if named is not None and failure.response is not None and named != failure.response.status:
        return False
    return all(matches(error, known) for error in errors_of(ended.span))
