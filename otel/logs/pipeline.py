"""One log record's way through a guard, in a processor or an exporter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.util.types import AnyValue

from sentry_filters import SessionGuard

from ..evidence import lineage_of
from ..pipeline import Outcome, Pipeline
from ..redaction import Cleaned, Fields, sdk_records
from ..waiting import Group, WaitingRoom
from .unread import read_later, withheld_log
from .verdicts import LogVerdicts

HandOn = Callable[[ReadWriteLogRecord], object]
"""Takes a record that may leave."""


class GuardedLogs(Pipeline[ReadWriteLogRecord]):
    """Lets log records leave as far as they may.

    A record about a call whose spans wait to be judged waits with them.

    Args:
        guard: The application's guard.
        hand_on: Takes the records that have waited; None where none may wait, nor be redacted later.
    """

    def __init__(self, guard: SessionGuard, hand_on: HandOn | None = None) -> None:
        super().__init__("log", guard, reads_later=hand_on is not None)
        self._verdicts = LogVerdicts(guard)
        self._attributes_of = _attributes_of
        self._is_healthy, self._are_clean = self._verdicts.is_healthy, self._cleaner.are_clean_records
        self._clean = self._cleaner.record
        self._room: WaitingRoom[ReadWriteLogRecord] = WaitingRoom(size=1_000)
        self._hand_on = hand_on
        if hand_on is not None:
            lineage_of(guard).on_settled(self._settled)

    def kept(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord | None:
        """Return what may leave of `record`: the same object, a new one, or None."""
        if not self._room.is_empty:
            for group in self._room.overdue():
                self._release(group)
        kept = self._at_once(record)
        return self._result(record, self._judged_once) if kept is None else kept

    def flush(self) -> None:
        """Hand on what may leave of all that still waits."""
        for group in self._room.all_released():
            self._release(group)

    def _unread(self, item: ReadWriteLogRecord) -> ReadWriteLogRecord | None:
        if type(item) is not ReadWriteLogRecord or type(item.log_record) is not LogRecord:
            return None
        return read_later(item, self._reader, self._cleaner)

    def _look(self, items: Sequence[ReadWriteLogRecord]) -> Sequence[Cleaned]:
        return self._cleaner.look_at_records(items)

    def _fields(self, item: ReadWriteLogRecord, cleaned: Cleaned) -> Fields:
        if cleaned.is_clean:  # its origin was redacted when it was handed on
            return vars(item.log_record).copy()
        return vars(self._cleaner.read_record(item, cleaned).log_record)

    def _fields_of_withheld(self, item: ReadWriteLogRecord) -> Fields:
        return vars(withheld_log(item))

    def _judged_once(
        self, record: ReadWriteLogRecord, attributes: dict[str, AnyValue]
    ) -> tuple[Outcome, ReadWriteLogRecord | None]:
        if self._hand_on is not None and self._verdicts.is_undecided(record):
            log = record.log_record
            self._room.add(log.trace_id or 0, log.span_id or 0, [record])
            return "pending", None
        return self._verdicts.judged(record, attributes)

    def _settled(self, trace_id: int, span_ids: Collection[int]) -> None:
        if self._room.concerns(trace_id):
            for span_id in span_ids:
                group = self._room.released(trace_id, span_id)
                if group is not None:
                    self._release(group)

    def _release(self, group: Group[ReadWriteLogRecord]) -> None:
        try:
            while group.items and self._hand_on is not None:
                kept = self._result(group.items.pop(0), self._verdicts.judged)
                if kept is not None:
                    self._hand_on(kept)
        finally:
            if group.items:  # after an interrupt: they leave when they are overdue, or with a flush
                self._room.add(group.trace_id, 0, (), group)


def _attributes_of(record: ReadWriteLogRecord) -> dict[str, AnyValue]:
    return sdk_records.attributes_of(record.log_record)
