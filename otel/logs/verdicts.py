"""What becomes of a log record: one that reports our expired session goes, any other stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.util.types import AnyValue

from sentry_filters import Failure, SessionGuard
from sentry_filters.evidence import conventions, failure_of_tags

from ..evidence import Below, ErrorText, Lineage, is_of

_TELLING = frozenset({conventions.EXCEPTION_TYPE, conventions.ERROR_TYPE, "status"})


class LogVerdicts:
    """Judges log records. Thread-safe. Its callers catch what it raises.

    Args:
        guard: Decides, and knows what `instrument` recorded.
    """

    def __init__(self, guard: SessionGuard) -> None:
        self._guard = guard
        self._lineage = guard.part(Lineage)
        self._statuses = tuple(str(status) for status in guard.policy.statuses)

    def is_ours(self, record: ReadWriteLogRecord, attributes: dict[str, AnyValue]) -> bool:
        """Decide whether the record reports our expired session, and act on it as every signal does."""
        if self.is_healthy(record, attributes):
            return False
        failures = self._failures(record, attributes, _text(record.log_record.body))
        return bool(failures) and self._guard.decide("log", failures).drop

    def is_healthy(self, record: ReadWriteLogRecord, attributes: dict[str, AnyValue]) -> bool:
        """Say cheaply whether the record certainly tells of no failure that could be ours."""
        if record.log_record.exception is not None or not _TELLING.isdisjoint(attributes):
            return False
        text = _text(record.log_record.body)
        return not any(status in text for status in self._statuses)

    def _failures(
        self, record: ReadWriteLogRecord, attributes: dict[str, AnyValue], text: str
    ) -> tuple[Failure, ...]:
        log = record.log_record
        tags = {name: attributes[name] for name in conventions.TAG_NAMES if name in attributes}
        at = None if not log.timestamp else log.timestamp / 1e9
        trace_id = f"{log.trace_id:032x}" if log.trace_id else None
        base = replace(failure_of_tags(tags, text=text, at=at), trace_id=trace_id)
        if log.exception is not None:
            return tuple(
                replace(
                    base,
                    text=f"{one.text}\n{text}" if one.response is not None and text else one.text,
                    response=one.response,
                    raised_while_handling=one.raised_while_handling,
                )
                for one in self._guard.failures_of(log.exception)
            )
        error = ErrorText(
            str(attributes.get(conventions.EXCEPTION_MESSAGE) or text),
            str(attributes.get(conventions.EXCEPTION_STACKTRACE) or ""),
        )
        span_id = f"{log.span_id:016x}" if log.span_id else None
        known = self._known(trace_id, span_id)
        if known is not None and known.failure is not None and self._belongs(error, known, attributes):
            return (replace(base, response=known.failure.response),)
        return (replace(base, text=error.message),)

    def _known(self, trace_id: str | None, span_id: str | None) -> Below | None:
        """Return the failure that the active span knew of: what was recorded under it, or ended below."""
        if trace_id is None or span_id is None:
            return None
        below = self._lineage.below(trace_id, span_id)
        recorded = self._guard.response_of(trace_id, span_id)
        if recorded is not None:
            return replace(below or Below(), failure=Failure(response=recorded))
        return below

    @staticmethod
    def _belongs(error: ErrorText, known: Below, attributes: dict[str, AnyValue]) -> bool:
        if error.message or error.stacktrace:
            return is_of(error, known)
        # An event of a GenAI instrumentation: it tells the class of the error only.
        return conventions.ERROR_TYPE in attributes and not known.others


def _text(body: object) -> str:
    if isinstance(body, Mapping):
        body = body.get("message")
    return body if isinstance(body, str) else ""
