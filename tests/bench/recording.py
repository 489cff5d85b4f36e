"""`python -m tests.bench.recording FILE`: records what instrumentations and SDKs write.

Spans are kept as the calls that an instrumentation made on them, so that a replay does the same; log records
and Sentry's items as they reached exporter or transport. All text is a mark that a replay fills anew, as in
`words.py`; nothing that was recorded identifies a machine. `make recording` installs what it needs.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import json
import logging
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import logfire
import redis
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.trace import Status, StatusCode

from tests.bench import recorded_apps
from tests.bench.recorded_calls import OURS, THIRD_PARTY, chat, client_of
from tests.bench.words import mark
from tests.otel.instrumented import instrumented
from tests.support.redis import RedisServer

_METHODS = ("set_attribute", "set_attributes", "add_event", "set_status", "update_name")
_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_LIBRARIES = (
    *("django", "fastapi", "flask", "logfire", "openai", "openinference-instrumentation-openai"),
    *(
        "opentelemetry-instrumentation-genai-openai",
        "opentelemetry-instrumentation-httpx",
        "opentelemetry-sdk",
    ),
    *("opentelemetry-instrumentation-fastapi", "opentelemetry-instrumentation-sqlite3", "sentry-sdk"),
)


class Recorder(SpanProcessor):
    """Keeps every span as what it was started with and the calls that were made on it."""

    def __init__(self) -> None:
        self.spans: list[dict[str, Any]] = []
        self._by_id: dict[int, dict[str, Any]] = {}

    def on_start(self, span: Span, parent_context: object = None) -> None:
        assert span.context is not None
        numbers = {id_: number for number, id_ in enumerate(self._by_id)}
        kept: dict[str, Any] = {
            "name": span.name,
            "kind": span.kind.name,
            "parent": span.parent and numbers.get(span.parent.span_id),
            "attributes": dict(span.attributes or {}),
            "steps": [],
        }
        self._by_id[span.context.span_id] = kept
        self.spans.append(kept)

    def step(self, span: Span, method: str, given: tuple[Any, ...]) -> None:
        if (kept := self._by_id.get(span.get_span_context().span_id)) is not None:
            kept["steps"].append([method, *(_plain(one) for one in given)])

    def taken(self) -> list[dict[str, Any]]:
        spans, self.spans, self._by_id = self.spans, [], {}
        return spans


class _LogRecorder(LogRecordProcessor):
    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        one = log_record.log_record
        severity = None if one.severity_number is None else one.severity_number.name
        self.records.append(
            {
                "body": one.body,
                "severity_number": severity,
                "severity_text": one.severity_text,
                "event_name": one.event_name,
                "attributes": {name: _plain(value) for name, value in (one.attributes or {}).items()},
            }
        )

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def _plain(value: Any) -> Any:
    if isinstance(value, Status):
        return {"status": value.status_code.name, "description": value.description}
    if isinstance(value, StatusCode):
        return {"status": value.name, "description": None}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


@contextmanager
def _steps_kept(recorder: Recorder) -> Iterator[None]:
    """Let the SDK's own spans note the calls on them; those that they make on themselves are not noted."""
    plain: dict[str, Any] = {name: getattr(Span, name) for name in _METHODS}

    def noting(name: str) -> Callable[..., Any]:
        def called(self: Span, *args: Any, **options: Any) -> Any:
            caller = sys._getframe(1).f_globals["__name__"]
            if caller != "opentelemetry.sdk.trace" or name == "add_event":  # what record_exception adds
                recorder.step(self, name, (*args, *options.values()))
            return plain[name](self, *args, **options)

        return called

    for name in _METHODS:
        setattr(Span, name, noting(name))
    try:
        yield
    finally:
        for name, one in plain.items():
            setattr(Span, name, one)


def spans() -> dict[str, list[list[dict[str, Any]]]]:
    """Record all kinds of spans: by kind, trees of spans."""
    recorder = Recorder()
    provider = TracerProvider()
    provider.add_span_processor(recorder)
    kept: dict[str, list[list[dict[str, Any]]]] = {}

    def genai(
        host: str = OURS, status: int = 200, *, prose: int = 400, http: TracerProvider | None = None
    ) -> list[dict[str, Any]]:
        with client_of(host, status, http) as client:
            chat(client, prose)
        return recorder.taken()

    with _steps_kept(recorder), tempfile.TemporaryDirectory() as folder:
        for kind, prose, content in (
            ("genai", 400, "NO_CONTENT"),
            ("genai 4 KB", 3_600, "SPAN_ONLY"),
            ("genai 20 KB", 19_000, "SPAN_ONLY"),
        ):
            os.environ[_CONTENT] = content  # read when it is switched on
            with instrumented(provider, "openai"):
                kept[kind] = [genai(prose=prose)]
        del os.environ[_CONTENT]
        with instrumented(provider, "openinference"):
            kept["openinference"] = [genai(prose=3_100)]
        kept["http client"] = [genai(http=provider)]
        with instrumented(provider, "openai"):
            kept["call, 503"] = [genai(THIRD_PARTY, 503, http=provider)]
            kept["call, 401"] = [genai(OURS, 401, http=provider)]
        kept["http server"] = [
            [one for one in serve(provider, recorder) if one["kind"] == "SERVER"]
            for serve in recorded_apps.SERVERS
        ]
        kept["database"] = [[one] for one in _database(provider, recorder, Path(folder))]
        kept["logfire"] = [_logfire(recorder)]
    return kept


def _logfire(recorder: Recorder) -> list[dict[str, Any]]:
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[recorder])
    with client_of(OURS) as client, logfire.instrument_openai(client):
        recorder.taken()
        chat(client, 3_900)
    # Before a span of its own ends, logfire reports it as pending: that is another span.
    return [one for one in recorder.taken() if one["attributes"].get("logfire.span_type") != "pending_span"]


def _database(provider: TracerProvider, recorder: Recorder, folder: Path) -> list[dict[str, Any]]:
    connection = SQLite3Instrumentor().instrument_connection(sqlite3.connect(":memory:"), provider)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE message (id TEXT, conversation TEXT, content TEXT, created REAL)")
    recorder.taken()
    cursor.execute(
        "INSERT INTO message (id, conversation, content, created) VALUES (?, ?, ?, ?)",
        ("a", "b", "c", time.time()),
    )
    cursor.execute(
        f"SELECT id, content FROM message WHERE conversation = '{mark('hex', 32)}' ORDER BY created LIMIT 20"
    )
    RedisInstrumentor().instrument(tracer_provider=provider)
    server = RedisServer(folder)
    server.start()
    try:
        client = redis.Redis.from_url(server.url)
        client.set("conversation:" + mark("hex", 32), mark("prose", 200, 1), ex=60)
        client.get("conversation:" + mark("hex", 32))
        client.close()
    finally:
        server.kill()
        RedisInstrumentor().uninstrument()
    return recorder.taken()


def logs() -> dict[str, list[dict[str, Any]]]:
    """Record log records of the standard library's logging, by kind."""
    recorder = _LogRecorder()
    provider = LoggerProvider()
    provider.add_log_record_processor(recorder)
    logger, access = logging.getLogger("app.chat"), logging.getLogger("uvicorn.access")
    handler = LoggingHandler(logger_provider=provider)
    kept: dict[str, list[dict[str, Any]]] = {}
    for one in (logger, access):
        one.addHandler(handler)
        one.propagate = False
        one.setLevel(logging.INFO)
    conversation = {"conversation": mark("hex", 32), "gen_ai.request.model": "gpt-4o-mini", "region": "eu"}
    logger.info("answered %d turns for conversation %s", 3, mark("hex", 32), extra=conversation)
    access.info(
        '%s - "%s %s HTTP/%s" %d',
        "192.0.2.7:" + mark("digits", 5),
        "POST",
        "/chat/" + mark("hex", 32),
        "1.1",
        200,
    )
    kept["log record"], recorder.records = recorder.records, []
    logger.info("prompt: %s", mark("prose", 4_000), extra=conversation)
    kept["log record 4 KB"], recorder.records = recorder.records, []
    try:
        json.loads("{" + mark("prose", 40))
    except ValueError:
        logger.exception("could not read the answer for conversation %s", mark("hex", 32), extra=conversation)
    kept["log record with an exception"] = [*recorder.records]
    return kept


def main(file: Path) -> None:
    """Record everything, and write it."""
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = (
        "http,database,gen_ai_latest_experimental"  # before an instrumentation is first used
    )
    data = {
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "spans": spans(),
        "logs": logs(),
        **recorded_apps.sentry_items(),
    }
    text = recorded_apps.without_places(json.dumps(data, ensure_ascii=False))
    file.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
