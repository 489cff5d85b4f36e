"""`GuardedLogRecordProcessor`: every log record passes through it once."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk._logs import (
    LogRecordProcessor,
    ReadWriteLogRecord,
    SynchronousMultiLogRecordProcessor,
)

from sentry_filters import SessionGuard
from sentry_filters.guard import parts_of

from ..fan_out import FanOut
from .pipeline import GuardedLogs


class GuardedLogRecordProcessor(SynchronousMultiLogRecordProcessor):
    """Keeps the log records of an expired session, and secrets, from the processors behind it.

    Use it as the provider's `multi_log_record_processor`, where it covers every processor that is added
    later, or around single processors. They get a copy that is redacted when it is first read; the
    application's own record is never changed. Faults are handled as in `GuardedSpanProcessor`.

    Args:
        guard: The application's guard.
        next_processors: Processors behind it; `add_log_record_processor` adds more.
    """

    def __init__(self, guard: SessionGuard, *next_processors: LogRecordProcessor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._guard = guard
        self._fan_out = FanOut("log_processor", parts_of(guard).trail.fault)
        self._logs = GuardedLogs(guard, self._hand_on)
        self._log_record_processors = next_processors

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Judge and redact the record once, and pass the result to every processor."""
        kept = self._logs.kept(log_record)
        if kept is not None:
            self._hand_on(kept)

    def enabled(self, **wanted: Any) -> bool:
        """Say whether any processor wants such a record; one that raises counts as wanting it."""
        try:
            return super().enabled(**wanted)
        except Exception as error:  # noqa: BLE001 - a processor must not reach the application
            self._fan_out.raised(error)
            return True

    def shutdown(self) -> None:
        """Shut down every processor, even if one of them raises."""
        self._logs.flush()
        self._fan_out.to_each(self._log_record_processors, lambda one: one.shutdown())

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush every processor within `timeout_millis` in all.

        Returns:
            Whether all of them did; False also if one of them raised.
        """
        self._logs.flush()
        return self._fan_out.flushed(self._log_record_processors, timeout_millis)

    def _hand_on(self, record: ReadWriteLogRecord) -> None:
        self._fan_out.to_each(self._log_record_processors, lambda one: one.on_emit(record))
