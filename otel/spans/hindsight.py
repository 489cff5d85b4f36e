"""What becomes known about a call after its span has ended.

The span of an HTTP request knows its status only. Whether the client has healed itself, and what the body
said, is known to what is around it: to the call's own span, to the exception that left it, to the next
attempt, to what `SessionGuard.instrument` recorded meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from sentry_filters import Failure, Response, SessionGuard
from sentry_filters.evidence import Body, body_of_value, fold, with_body
from sentry_filters.guard import parts_of

from ..evidence import body_in, errors_of, lineage_of, may_be_about, messages_of
from .ended import EndedSpan, Held

_SUCCESSES = range(200, 300)
# The guard's hook sees a request just before its HTTP span begins; times are floats. Any more, and another
# request under the same span would be taken for it.
_CLOCK_GRAIN = 1e-5


class Hindsight:
    """Says which spans wait, and what they have waited for. Its callers catch what it raises.

    Args:
        guard: Knows what `instrument` recorded.
    """

    def __init__(self, guard: SessionGuard) -> None:
        parts = parts_of(guard)
        calls = parts.calls
        self._call_of = calls.call_of
        self._response_of = calls.response_of
        self._backends = parts.backends
        self._lineage = lineage_of(guard)

    def may_wait_for(self, ended: EndedSpan, failure: Failure) -> bool:
        """Say whether more can become known about a call that failed."""
        if ended.parent_id is None or failure.response is None:
            return False
        verdict = self._backends.recognise(failure)
        # A failed attempt may be followed by one that succeeds; a call to a model ends with all its attempts.
        return verdict.drop and (ended.facts.status is not None or verdict.grade == "words")

    def bears_on_others(self, ended: EndedSpan) -> bool:
        """Say whether a span may tell something about calls that wait for the same parent."""
        return ended.facts.status in _SUCCESSES or (ended.failed and bool(errors_of(ended.span)))

    def may_be_about(self, ended: EndedSpan, one: Held) -> bool:
        """Say whether a span that is not known to be above a call may carry its error: it ran meanwhile."""
        response = None if one.failure is None else one.failure.response
        at = None if response is None else response.started_at
        if one.failure is None or at is None or not ended.failed or not ended.lasted(at):
            return False
        failure = one.failure
        return any(
            may_be_about(text, failure) for error in errors_of(ended.span) for text in messages_of(error)
        )

    def learn(self, held: Sequence[Held], above: EndedSpan | None) -> bool:
        """Let those that wait learn what is known when the span above them ends, None where it has not.

        Returns:
            Whether there is nothing left to wait for.
        """
        failed = _those_that_failed(held, above)
        self.learn_from_records(failed)
        self._learn_from_errors(failed, held, above)
        for one in failed:
            one.is_uncertain = self._lacks_something(one)
        if above is None or not (above.failed or above.facts.is_call):
            return not failed  # the error went no further: what is above may show that the call succeeded
        return not any(one.is_uncertain for one in failed)

    def as_recorded(self, ended: EndedSpan, response: Response) -> Response:
        """Return a span's response with what `instrument` knows of its call, if it saw it."""
        # The request was seen while the span above was active, where the HTTP span begins below the client's
        # hooks; else while the HTTP span was: some clients are seen nearer the wire than they are traced.
        began = ended.started_at
        latest = None if began is None else began + _CLOCK_GRAIN
        for span_id, until in ((ended.parent_id, latest), (ended.context.span_id, ended.ended_at)):
            seen = None if span_id is None else self._seen(response, ended.trace_id, f"{span_id:016x}", until)
            if seen is not None:
                return seen
        return response

    # What tells

    def learn_from_records(self, held: Iterable[Held]) -> None:
        """Let each call learn from the record of its own request: of those under one span, the nearest.

        A span remembers the record of one failed request: ask before the next one fails.
        """
        nearest: dict[float, tuple[float, Held, Failure]] = {}
        for one in held:
            known = self._own_record(one)
            began, requested = one.ended.started_at, None if known is None else known.started_at
            if known is None or began is None or requested is None:
                continue
            distance = abs(began - requested)
            if requested not in nearest or distance < nearest[requested][0]:
                nearest[requested] = (distance, one, known)
        for _, one, known in nearest.values():
            one.failure = known

    def _own_record(self, one: Held) -> Failure | None:
        """Return a call's failure with what may be its record; None without one, or a need for it."""
        failure = one.failure
        if failure is None or failure.response is None or failure.response.body_known:
            return None
        seen = self.as_recorded(one.ended, failure.response)
        return replace(failure, response=seen) if seen.recorded else None

    def _learn_from_errors(
        self, failed: Sequence[Held], held: Iterable[Held], above: EndedSpan | None
    ) -> None:
        """Let calls learn the body from the errors that they became."""
        beside = [other.ended for other in held if other.failure is None and other.ended.failed]
        for one in filter(self._lacks_something, failed):
            errors = [other for other in beside if _ended_before(one.ended, other)]
            errors += [] if above is None or not _is_error_of(above, one, failed) else [above]
            for span in errors:
                self._learn_from_span(one, span)

    def _learn_from_span(self, one: Held, span: EndedSpan) -> None:
        failure = one.failure
        others = self._lineage.child_failure(span.context.trace_id, span.context.span_id)
        for message in (message for error in errors_of(span.span) for message in messages_of(error)):
            if failure is None or failure.response is None or not may_be_about(message, failure):
                continue
            vetoes = self._backends.of(failure).vetoes
            body = _body_in(message, vetoes)
            if (
                others.other_failed
            ):  # it may be another call's error: only a veto counts, since in doubt it is kept
                body = Body(codes=body.codes & vetoes)
            failure = replace(failure, response=with_body(failure.response, body))
        one.failure = failure

    def _lacks_something(self, one: Held) -> bool:
        if one.failure is None:
            return False
        verdict = self._backends.recognise(one.failure)
        return verdict.drop and verdict.grade == "words"

    def _seen(self, response: Response, trace_id: str, span_id: str, latest: float | None) -> Response | None:
        """Return the response as `instrument` saw it, None where it saw no such call up to `latest`."""
        call, recorded = self._call_of(trace_id, span_id), self._response_of(trace_id, span_id)
        if recorded is not None and not _is_of_one_request(recorded, response):
            recorded = None
        if recorded is not None and recorded.started_at == response.started_at:
            return recorded  # it was told which call it is when it ended
        if call is None or (latest is not None and call.started_at > latest):
            return None
        if recorded is not None and recorded.started_at == call.started_at:
            return recorded
        return replace(
            response,
            session=call.session,
            started_at=call.started_at,
            began=call.began,
            operation=call.operation,
        )


def _body_in(message: str, vetoes: Collection[str]) -> Body:
    value = body_in(message)
    if value is not None:
        return body_of_value(value)
    # A body that is cut, or not JSON: what is seen of it counts.
    text = fold(message)
    return Body(codes=frozenset(code for code in vetoes if code in text))


def _is_of_one_request(recorded: Response, response: Response) -> bool:
    """Say whether what was recorded and what a span says can be of one request."""
    here, there = response.endpoint, recorded.endpoint
    same = here is None or there is None or here.may_be(there)
    return same and recorded.status == response.status and response.path in (None, recorded.path)


def _those_that_failed(held: Sequence[Held], above: EndedSpan | None) -> list[Held]:
    """Return the calls that failed for good; the others are noted as healed."""
    calls = [one for one in held if one.failure is not None and not one.healed]
    for one in calls:
        one.healed = _is_healed(one, held, above)
        one.is_uncertain = not one.healed
    return [one for one in calls if not one.healed]


def _is_error_of(above: EndedSpan, one: Held, failed: Sequence[Held]) -> bool:
    """Say whether an error is of this call: a call's is of all its attempts, other work's of the last."""
    return above.failed and (above.facts.is_call or one is failed[-1])


def _is_healed(one: Held, held: Iterable[Held], above: EndedSpan | None) -> bool:
    """Say whether the call succeeded after all: the span around its attempts did, or a later attempt."""
    if above is not None and above.succeeded:
        return True
    return any(_is_later_attempt(other.ended, one.ended) for other in held if other.failure is None)


def _is_later_attempt(later: EndedSpan, failed: EndedSpan) -> bool:
    same = (later.facts.endpoint, later.facts.path) == (failed.facts.endpoint, failed.facts.path)
    return same and later.facts.status in _SUCCESSES and _ended_before(failed, later, started=True)


def _ended_before(one: EndedSpan, other: EndedSpan, *, started: bool = False) -> bool:
    """Say whether `one` had ended when `other` ended, or `started`; spans without times are as they came."""
    ended, then = one.span.end_time, other.span.start_time if started else other.span.end_time
    return ended is None or then is None or ended <= then
