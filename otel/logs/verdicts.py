"""What becomes of a log record: one that reports our expired session is dropped, any other is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.util.types import AnyValue

from sentry_filters import Failure, SessionGuard
from sentry_filters.core import REFUSED_BY_GATE, refusal_of
from sentry_filters.evidence import conventions, failure_of_tags, may_state
from sentry_filters.guard import parts_of

from ..evidence import (
    NOTHING_FAILED,
    ChildFailure,
    ErrorText,
    error_of,
    is_refusal,
    lineage_of,
    matches,
)
from ..pipeline import Outcome
from ..redaction import sdk_records

_STATE_A_FAILURE = frozenset(
    {conventions.EXCEPTION_TYPE, conventions.EXCEPTION_MESSAGE, conventions.ERROR_TYPE, "status"}
)


class LogVerdicts:
    """Judges log records. Thread-safe. Its callers catch what it raises.

    Args:
        guard: Decides, and knows what `instrument` recorded.
    """

    def __init__(self, guard: SessionGuard) -> None:
        parts = parts_of(guard)
        self._decide = parts.decider.decide
        self._note = parts.decider.note
        self._refused = parts.decider.refused
        self._failures_of = parts.failures_of
        self._response_of = parts.calls.response_of
        self._lineage = lineage_of(guard)
        self._statuses = tuple(str(status) for status in sorted(parts.backends.statuses))

    def judged(
        self, record: ReadWriteLogRecord, attributes: dict[str, AnyValue]
    ) -> tuple[Outcome, ReadWriteLogRecord | None]:
        """Decide whether the record reports our expired session, and act on it as every signal does."""
        if self._is_refused(record.log_record.exception, attributes):
            return "dropped", None
        failures = self._failures(record, attributes, _text(record.log_record.body))
        if failures and self._decide("log", failures).drop:
            return "dropped", None
        return "exported", record

    def is_undecided(self, record: ReadWriteLogRecord) -> bool:
        """Say whether the record may be about a call whose spans wait to be judged."""
        log = record.log_record
        if not log.trace_id or not log.span_id or not self._lineage.is_undecided(log.trace_id, log.span_id):
            return False
        if self.is_healthy(record):
            return False
        return all(one.response is None for one in self._raised(log))

    def is_healthy(self, record: ReadWriteLogRecord) -> bool:
        """Say cheaply whether the record certainly reports no failure that could be ours."""
        log = record.log_record
        text = _text(log.body)
        may_have_failed = self._may_have_failed(log)
        attributes = sdk_records.glance_at(log)
        if log.exception is None and _STATE_A_FAILURE.isdisjoint(attributes):
            # Of a failed call that is known, a text needs no more than the status.
            return not may_state(text) and not (may_have_failed and self._names_status(text))
        if may_have_failed or refusal_of(log.exception) is not None or is_refusal(attributes):
            return False
        return not _state_any(attributes, self._raised(log), error_of(attributes, text).message, text)

    def _may_have_failed(self, log: LogRecord) -> bool:
        """Say whether a call is known to have failed under the active span, or may yet turn out to have."""
        trace_id, span_id = log.trace_id, log.span_id
        if not trace_id or not span_id:
            return False
        undecided = self._lineage.is_undecided(trace_id, span_id)
        return undecided or self._child_failure(trace_id, span_id).failure is not None

    def _names_status(self, text: str) -> bool:
        return any(status in text for status in self._statuses)

    def _raised(self, log: LogRecord) -> tuple[Failure, ...]:
        return () if log.exception is None else self._failures_of(log.exception)

    def _is_refused(self, error: BaseException | None, attributes: dict[str, AnyValue]) -> bool:
        if error is not None:
            return refusal_of(error) is not None and self._refused("log", error, self._failures_of)
        if not is_refusal(attributes):
            return False
        self._note("log", "drop", REFUSED_BY_GATE, None)
        return True

    def _failures(
        self, record: ReadWriteLogRecord, attributes: dict[str, AnyValue], text: str
    ) -> tuple[Failure, ...]:
        log = record.log_record
        raised = self._raised(log)
        error = error_of(attributes, text)
        child = self._child_failure(log.trace_id, log.span_id)
        if child.failure is None and not _state_any(attributes, raised, error.message, text):
            return ()
        tagged = _tagged(log, attributes, text)
        typed = tuple(_combined(tagged, one) for one in raised)
        if any(one.response is not None for one in raised):
            return typed
        if child.failure is not None and _is_about(error, child, attributes):
            return (replace(tagged, response=child.failure.response),)
        return typed or (replace(tagged, text=error.message),)

    def _child_failure(self, trace_id: int | None, span_id: int | None) -> ChildFailure:
        """Return what the active span knows of a failure: what was recorded under it, or ended below."""
        if not trace_id or not span_id:
            return NOTHING_FAILED
        child = self._lineage.child_failure(trace_id, span_id)
        trace = f"{trace_id:032x}"
        return child.or_recorded(self._response_of(trace, f"{span_id:016x}"), trace)


def _state_any(attributes: Mapping[str, AnyValue], raised: Sequence[Failure], *texts: str) -> bool:
    """Say whether any of what a record carries may be evidence of a failed response."""
    if "status" in attributes or any(map(may_state, texts)):
        return True
    return any(one.response is not None or one.rivals or one.answers or may_state(one.text) for one in raised)


def _tagged(log: LogRecord, attributes: Mapping[str, AnyValue], text: str) -> Failure:
    """Return what a record's own attributes state."""
    at = None if not log.timestamp else log.timestamp / 1e9
    stated = failure_of_tags(attributes, text=text, at=at)
    return replace(stated, trace_id=f"{log.trace_id:032x}" if log.trace_id else None)


def _combined(tagged: Failure, raised: Failure) -> Failure:
    """Return what a record's tags and text, and the exception that it carries, say together."""
    return replace(
        tagged,
        text=f"{raised.text}\n{tagged.text}" if raised.response is not None and tagged.text else raised.text,
        response=raised.response,
        raised_while_handling=raised.raised_while_handling,
    )


def _is_about(error: ErrorText, child: ChildFailure, attributes: dict[str, AnyValue]) -> bool:
    if error.message or error.stacktrace:
        return matches(error, child)
    # An event of a GenAI instrumentation: it states the class of the error only.
    return conventions.ERROR_TYPE in attributes and not child.other_failed


def _text(body: object) -> str:
    if isinstance(body, Mapping):
        body = body.get("message")
    return body if isinstance(body, str) else ""
