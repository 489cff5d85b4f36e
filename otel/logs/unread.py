"""A log record that is redacted when it is first read."""

from __future__ import annotations

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadWriteLogRecord

from sentry_filters.redaction import WITHHELD

from ..redaction import ALL_FIELDS, Cleaner, Field, Reader, ReadLater, always, later, sdk_records


class UnreadLog(ReadLater, LogRecord):
    """A log record as the API's own. What may hold a secret is redacted when any of it is first read."""

    __slots__ = ()
    of_sdk = LogRecord
    __dict__ = ALL_FIELDS

    timestamp = Field(always)
    observed_timestamp = Field(always)
    context = Field(always)
    trace_id = Field(always)
    span_id = Field(always)
    trace_flags = Field(always)
    severity_number = Field(always)
    severity_text = Field()
    body = Field()
    attributes = Field()
    event_name = Field()
    exception = Field()

    @staticmethod
    def part_of(item: ReadWriteLogRecord) -> LogRecord:
        """Return the log record within the processor's."""
        return item.log_record


def read_later(
    record: ReadWriteLogRecord, reader: Reader[ReadWriteLogRecord], cleaner: Cleaner
) -> ReadWriteLogRecord:
    """Return a record whose log record the reader redacts when it is read. Its origin is redacted now."""
    resource, scope = cleaner.origin(record)
    return sdk_records.record_of(
        later(UnreadLog, reader.unread(record)),
        resource=resource,
        instrumentation_scope=scope,
        limits=record.limits,
    )


def withheld_log(record: ReadWriteLogRecord) -> LogRecord:
    """Return a log record that says when, where and how severe, and nothing else. It does not raise."""
    log = record.log_record
    withheld = LogRecord(
        timestamp=log.timestamp,
        observed_timestamp=log.observed_timestamp,
        context=log.context,
        severity_number=log.severity_number,
        body=WITHHELD,
        attributes={},
    )
    withheld.trace_id, withheld.span_id, withheld.trace_flags = log.trace_id, log.span_id, log.trace_flags
    return withheld
