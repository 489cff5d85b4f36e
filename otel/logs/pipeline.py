"""One log record's way through a guard, in a processor or an exporter."""

from __future__ import annotations

from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.util.types import AnyValue

from sentry_filters import SessionGuard

from ..pipeline import Pipeline
from ..redaction import sdk_records
from .verdicts import LogVerdicts


class GuardedLogs(Pipeline[ReadWriteLogRecord]):
    """Lets log records leave as far as they may.

    Args:
        guard: The application's guard.
    """

    def __init__(self, guard: SessionGuard) -> None:
        super().__init__("log", guard)
        verdicts = LogVerdicts(guard)
        self._attributes_of, self._judge = _attributes_of, verdicts.judged
        self._is_healthy, self._is_clean = verdicts.is_healthy, self._cleaner.is_clean_record
        self._clean = self._cleaner.record

    def kept(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord | None:
        """Return what may leave of `record`: the same object, a new one, or None."""
        if self._has_nothing_to_do(record):
            self._healthy.tick()
            return record
        return self._result(record, self._judge)


def _attributes_of(record: ReadWriteLogRecord) -> dict[str, AnyValue]:
    return sdk_records.attributes_of(record.log_record)
