"""Log records that are redacted when they are first read."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import NoReturn

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter
from opentelemetry.sdk.resources import Resource

from otel import GuardedLogRecordProcessor
from sentry_filters import Redactor, SessionGuard
from sentry_filters.redaction import DOUBT, WITHHELD, Look
from tests.otel.canary import HARMLESS, secret

_SECRET = secret(0)[11:]


class Kept(LogRecordProcessor):
    """Keeps what was emitted, and reads nothing of it."""

    def __init__(self) -> None:
        self.records: list[ReadWriteLogRecord] = []

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self.records.append(log_record)

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def a_provider(guard: SessionGuard, *processors: LogRecordProcessor) -> LoggerProvider:
    return LoggerProvider(
        resource=Resource({"service.name": HARMLESS, "process.command_args": f"--token={secret(1)}"}),
        multi_log_record_processor=GuardedLogRecordProcessor(guard, *processors),
        shutdown_on_exit=False,
    )


def emit(provider: LoggerProvider) -> None:
    provider.get_logger(HARMLESS, attributes={"scope": secret(2)}).emit(
        body={"m": secret(3), "note": HARMLESS},
        severity_number=SeverityNumber.INFO,
        severity_text="INFO",
        attributes={"key": secret(4), "note": HARMLESS},
        event_name=f"event.{secret(5)}",
        timestamp=7,
    )


def an_unread_record(guard: SessionGuard) -> ReadWriteLogRecord:
    kept = Kept()
    emit(a_provider(guard, kept))
    return kept.records[0]


WAYS: dict[str, Callable[[LogRecord], object]] = {
    "vars": vars,
    "copy": lambda log: vars(copy.copy(log)),
    "deepcopy": lambda log: vars(copy.deepcopy(log)),
    "what pickle takes": lambda log: log.__reduce_ex__(pickle.HIGHEST_PROTOCOL),
    "every attribute": lambda log: [getattr(log, name, None) for name in dir(log)],
    **{
        f"field {name}": lambda log, name=name: getattr(log, name)  # type: ignore[misc]
        for name in vars(LogRecord())
    },
}


def test_no_way_to_read_a_record_leads_to_what_it_held(guard: SessionGuard) -> None:
    for way, read in WAYS.items():
        record = an_unread_record(guard)
        assert _SECRET not in repr(read(record.log_record)), way
        assert _SECRET not in repr(record), way
        assert _SECRET not in repr(record.resource and record.resource.attributes), way
        assert _SECRET not in repr(record.instrumentation_scope), way


def test_a_record_is_redacted_by_whoever_reads_it_first(guard: SessionGuard) -> None:
    record = an_unread_record(guard)
    log = record.log_record
    origin = guard.counters.get("redactions", "log")
    queued = copy.copy(log)  # as the SDK's batch processor does
    queued.context = Context()
    assert (queued.timestamp, queued.severity_number) == (7, SeverityNumber.INFO)
    assert guard.counters.get("redactions", "log") == origin

    assert queued.body == log.body == {"m": "[REDACTED]", "note": HARMLESS}
    assert dict(queued.attributes or {}) == {"key": "[REDACTED]", "note": HARMLESS}
    assert (queued.context, log.event_name, log.severity_text) == (Context(), "event.[REDACTED]", "INFO")
    assert guard.counters.get("redactions", "log") == origin + 3


def test_a_clean_record_reads_as_the_applications_own(guard: SessionGuard) -> None:
    exporter, kept = InMemoryLogRecordExporter(), Kept()  # type: ignore[no-untyped-call]
    provider = a_provider(guard, kept, BatchLogRecordProcessor(exporter))
    error = ValueError("of the application")
    provider.get_logger("app").emit(body="done", attributes={"n": 1, "tags": ["a"]}, exception=error)
    provider.force_flush()
    (exported,) = exporter.get_finished_logs()
    assert exported.log_record.body == "done"
    assert (exported.log_record.attributes or {})["tags"] == ("a",)
    assert exported.log_record.exception is error
    assert (exported.log_record.attributes or {})["exception.message"] == "of the application"
    provider.shutdown()


def test_what_cannot_be_redacted_when_it_is_read_says_nothing_and_is_counted(guard: SessionGuard) -> None:
    class Broken(Redactor):
        def scrub(self, value: object, look: Look = DOUBT) -> NoReturn:
            raise RuntimeError("broken")

    guard.redactor = Broken()
    kept = Kept()
    provider = LoggerProvider(multi_log_record_processor=GuardedLogRecordProcessor(guard, kept))
    provider.get_logger("app").emit(body=f"with {secret(1)}", severity_number=SeverityNumber.WARN)
    log = kept.records[0].log_record
    assert (log.body, dict(log.attributes or {}), log.event_name) == (WITHHELD, {}, None)
    assert log.severity_number is SeverityNumber.WARN
    outcomes = {name: guard.counters.get(name, "log") for name in ("seen", "exported", "withheld")}
    assert outcomes == {"seen": 1, "exported": 0, "withheld": 1}
    provider.shutdown()


def test_what_the_application_changes_after_a_copy_was_read_does_not_reach_another(
    guard: SessionGuard,
) -> None:
    emitted = LogRecord(body="done")
    kept = Kept()
    a_provider(guard, kept).get_logger("app").emit(emitted)
    later = copy.copy(kept.records[0].log_record)
    assert kept.records[0].log_record.body == "done"
    emitted.body = f"with {secret(1)}"
    assert later.body == "done"
