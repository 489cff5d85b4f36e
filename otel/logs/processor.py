"""`GuardedLogRecordProcessor`: the choke point that every log record passes once."""

from __future__ import annotations

from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import (
    LogRecordProcessor,
    ReadWriteLogRecord,
    SynchronousMultiLogRecordProcessor,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from sentry_filters import SessionGuard

from ..fan_out import flushed, to_each
from .pipeline import GuardedLogs

_PLACE = "log_processor"


class GuardedLogRecordProcessor(SynchronousMultiLogRecordProcessor):
    """Keeps our expired session's log records, and secrets, from the processors behind it.

    Use it as the provider's `multi_log_record_processor`, where it covers every processor that is added
    later, or around single processors. A record with something to redact goes on as a redacted copy; the
    application's own record is never changed. Faults are handled as by `GuardedSpanProcessor`.

    Args:
        guard: The application's guard.
        next_processors: Processors behind it; `add_log_record_processor` adds more.
    """

    def __init__(self, guard: SessionGuard, *next_processors: LogRecordProcessor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._guard = guard
        self._logs = GuardedLogs(guard)
        self._log_record_processors = next_processors

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Judge and redact the record once, and hand what may leave to every processor."""
        passed = self._logs.passed(log_record)
        if passed is not None:
            to_each(self._log_record_processors, lambda one: one.on_emit(passed), _PLACE, self._guard.fault)

    def enabled(
        self,
        *,
        context: Context | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Say whether any processor wants such a record; one that raises may want it."""
        try:
            return super().enabled(
                context=context,
                instrumentation_scope=instrumentation_scope,
                severity_number=severity_number,
                event_name=event_name,
            )
        except Exception as error:  # noqa: BLE001 - a processor must not reach the application
            self._guard.fault(_PLACE, error)
            return True

    def shutdown(self) -> None:
        """Shut every processor down, whatever one of them raises."""
        to_each(self._log_record_processors, lambda one: one.shutdown(), _PLACE, self._guard.fault)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush every processor within `timeout_millis` in all.

        Returns:
            Whether all of them did; False also where one of them raised.
        """
        return flushed(self._log_record_processors, timeout_millis, _PLACE, self._guard.fault)
