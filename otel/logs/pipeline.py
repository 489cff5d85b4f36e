"""One log record's way through a guard: judged, redacted, counted; in a processor or an exporter."""

from __future__ import annotations

from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.util.types import AnyValue

from sentry_filters import SessionGuard

from ..redaction import Cleaner, Tally, sdk_records
from .verdicts import LogVerdicts

_SIGNAL = "log"


class GuardedLogs:
    """Lets log records pass, as far as they may leave. Thread-safe; fails closed as `GuardedSpans` does.

    Args:
        guard: The application's guard.
    """

    def __init__(self, guard: SessionGuard) -> None:
        self._guard = guard
        self._counters = guard.counters
        self._healthy = Tally(self._count_exported)
        self._counters.settle_with(self._healthy.settle)
        self._verdicts = LogVerdicts(guard)
        self._cleaner = Cleaner(guard.redactor, self._count_redaction)

    def passed(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord | None:
        """Return what may leave of `record`: the same object, a new one, or None."""
        if self._has_nothing_to_do(record):
            self._healthy.tick()
            return record
        try:
            attributes = sdk_records.attributes_of(record.log_record)
            ours = self._is_ours(record, attributes)
            passed = None if ours else self._cleaner.record(record, attributes)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever a record or the redactor raises
            self._guard.fault("log", error)
            self._withhold("fault")
            return None
        except BaseException:  # raised again: an interrupt is the application's, the record stays here
            self._withhold("interrupted")
            raise
        self._counters.saw(_SIGNAL, "dropped" if ours else "exported")
        return passed

    def _has_nothing_to_do(self, record: ReadWriteLogRecord) -> bool:
        """Say cheaply whether the record is certainly healthy and clean."""
        try:
            attributes = sdk_records.attributes_of(record.log_record)
            return self._verdicts.is_healthy(record, attributes) and self._cleaner.is_clean_record(
                record, attributes
            )
        except Exception:  # noqa: BLE001 - whatever it is, the careful way meets it again, and counts it
            return False

    def _is_ours(self, record: ReadWriteLogRecord, attributes: dict[str, AnyValue]) -> bool:
        try:
            return self._verdicts.is_ours(record, attributes)
        except Exception as error:  # noqa: BLE001 - a fault of ours keeps the record; it is redacted all the same
            self._guard.fault("recognise_log", error)
            return False

    def _count_exported(self, number: int) -> None:
        self._counters.saw(_SIGNAL, "exported", by=number)

    def _withhold(self, cause: str) -> None:
        self._counters.saw(_SIGNAL, "withheld", cause)

    def _count_redaction(self, kind: str) -> None:
        self._counters.add("redactions", _SIGNAL, kind)
