"""What the OpenTelemetry edge costs: a log record's life, and the export thread's work on a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)

from otel import GuardedLogRecordProcessor, RedactingLogRecordExporter
from tests.bench.edge import OURS, listening_guard
from tests.bench.table import Row, added, compared, plain
from tests.bench.telemetry import secret_text
from tests.bench.timing import Act, Effort, side_by_side

TITLE = "OpenTelemetry logs: 4 attributes, batches of 512"

_ATTRIBUTES: Mapping[str, str | int] = {
    "code.function.name": "answer",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 812,
    "region": "eu",
}


class _Nowhere(LogRecordExporter):
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def rows(effort: Effort) -> Iterator[Row]:
    """Measure the processor beside the bare life of a record, the exporter beside the OTLP encoding."""
    guard = listening_guard()
    bare = LoggerProvider(shutdown_on_exit=False)
    guarded = LoggerProvider(
        multi_log_record_processor=GuardedLogRecordProcessor(guard), shutdown_on_exit=False
    )
    secret = secret_text()
    taken = side_by_side(
        {
            "bare": _life(bare),
            "guarded": _life(guarded),
            "bare dirty": _life(bare, secret),
            "guarded dirty": _life(guarded, secret),
            "bare expired": _life(bare, attributes=OURS),
            "guarded expired": _life(guarded, attributes=OURS),
        },
        effort,
    )
    yield plain("a log record's life, opentelemetry-sdk alone", taken["bare"])
    for what, name in (
        ("healthy log record: guard's part / its bare life", ""),
        ("log record with a secret: guard's part / its bare life", " dirty"),
        ("log record of our expired session, dropped: guard's part / its bare life", " expired"),
    ):
        yield added(what, taken[f"guarded{name}"], taken[f"bare{name}"])
    clean, dirty = _batch(), _batch(secret)

    def exporter() -> RedactingLogRecordExporter:
        return RedactingLogRecordExporter(_Nowhere(), guard.redactor)

    batches = side_by_side(
        {
            "encode": lambda: encode_logs(clean),
            "clean": Act(lambda made: made.export(clean), exporter),
            "dirty": Act(lambda made: made.export(dirty), exporter),
        },
        effort,
    )
    guard.close()
    encode = batches["encode"]
    yield plain("OTLP encoding of 512 records", encode)
    yield compared("512 clean records: exporter's redaction / OTLP encoding", batches["clean"], encode)
    yield compared(
        "512 records, a secret in each tenth: exporter's redaction / OTLP encoding", batches["dirty"], encode
    )


def _life(
    provider: LoggerProvider, secret: str = "", attributes: Mapping[str, str | int] = _ATTRIBUTES
) -> Callable[[], None]:
    logger = provider.get_logger("bench")
    body = "answered 3 turns for conversation 812 " + secret

    def live() -> None:
        logger.emit(
            LogRecord(
                body=body, severity_number=SeverityNumber.INFO, severity_text="INFO", attributes=attributes
            )
        )

    return live


def _batch(secret: str = "") -> list[ReadableLogRecord]:
    provider, kept = LoggerProvider(shutdown_on_exit=False), InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    lives = [_life(provider)] * 9 + [_life(provider, secret)]
    for number in range(512):
        lives[number % 10]()
    return list(kept.get_finished_logs())
