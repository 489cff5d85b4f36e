"""Sentry and OpenTelemetry as an application sets them up, and what left through them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from importlib.util import find_spec
from typing import Any

import httpx
import sentry_sdk
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracer, StatusCode, Tracer

from otel import GuardedLogRecordProcessor, GuardedSpanProcessor, emit_session_expired
from sentry_filters import SessionExpiredError, SessionGuard
from sentry_filters.evidence import stated_tags
from tests.certainty.calls import Turn
from tests.certainty.interruption import Interruption
from tests.certainty.setting import Setting
from tests.support.sentry import initialised

HAS_HTTP_SPANS = find_spec("opentelemetry.instrumentation.httpx") is not None
"""Whether there is an instrumentation of httpx."""


class Traces:
    """A provider of spans and one of logs, both guarded, with in-memory exporters at their ends."""

    def __init__(self, guards: list[SessionGuard]) -> None:
        self._spans = InMemorySpanExporter()
        processor: Any = SimpleSpanProcessor(self._spans)
        for guard in reversed(guards):
            processor = GuardedSpanProcessor(guard, processor)
        self.provider = TracerProvider(active_span_processor=processor, shutdown_on_exit=False)
        self._logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        logs = GuardedLogRecordProcessor(guards[0])
        self._logger_provider = LoggerProvider(multi_log_record_processor=logs, shutdown_on_exit=False)
        self._logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        for guard in guards:
            emit_session_expired(guard, self._logger_provider)

    def sees(self, client: Any) -> None:
        """Let a client's calls have spans of their own, where the instrumentation is installed."""
        if HAS_HTTP_SPANS:
            from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor  # noqa: PLC0415 - optional

            HTTPXClientInstrumentor.instrument_client(client, tracer_provider=self.provider)

    @property
    def failed(self) -> int:
        """In how many traces a span left that says that it failed."""
        spans = self._spans.get_finished_spans()
        failed = {span.context.trace_id for span in spans if span.status.status_code is StatusCode.ERROR}
        return len(failed)

    @property
    def announced(self) -> int:
        """How many log events `session.expired` left."""
        records = self._logs.get_finished_logs()
        return sum(record.log_record.event_name == "session.expired" for record in records)

    def forget(self) -> None:
        """Start counting again."""
        self._spans.clear()
        self._logs.clear()

    def close(self) -> None:
        """Let everything leave."""
        self.provider.shutdown()
        self._logger_provider.shutdown()


class Warnings(logging.Handler):
    """What the package logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def count(self, text: str) -> int:
        """How many records have this text."""
        return sum(text in record.getMessage() for record in self.records)

    @property
    def errors(self) -> int:
        """How many are above a WARNING: inside hooks they would be reported again."""
        return sum(record.levelno > logging.WARNING for record in self.records)


class Telemetry:
    """Everything that a process's failures can leave through.

    Args:
        setting: Which edges there are.
        guards: Those that stand in them, the first one first.
    """

    def __init__(self, setting: Setting, guards: list[SessionGuard]) -> None:
        self._guard = guards[0]
        self._stack = ExitStack()
        self.warnings = Warnings()
        self._has_sentry = setting.sentry
        log = logging.getLogger("sentry_filters")
        log.addHandler(self.warnings)
        self._stack.callback(log.removeHandler, self.warnings)
        if setting.sentry:
            self._stack.enter_context(initialised(**_options(setting.dsn, guards)))
        self.traces = Traces(guards) if setting.opentelemetry else None

    @property
    def _tracer(self) -> Tracer:
        return NoOpTracer() if self.traces is None else self.traces.provider.get_tracer("app")

    @contextmanager
    def turn(self, *, reported: bool = True, interruption: Interruption | None = None) -> Iterator[Turn]:
        """Do what applications do around a call: a span, and a report of what went wrong.

        Args:
            reported: Whether they do.
            interruption: What happens in the middle of the report.
        """
        turn = Turn()
        with suppress(httpx.HTTPError, SessionExpiredError):
            try:
                with self._reporting(interruption) if reported else nullcontext():
                    yield turn
            except Exception as error:
                turn.error = error
                raise
            finally:
                if interruption is not None:
                    interruption.ends()
                turn.is_open = self._guard.gate.is_open

    def states(self, provider: str) -> None:
        """Report a failed call by what the application's own code says of it, which names no session."""
        text = f"{provider} API error (401 Unauthorized)"
        if self._has_sentry:
            self._guard.report(text, operation="chat", provider=provider, status=401)
        tags = stated_tags("llm_provider", "chat", provider, 401)
        with self._tracer.start_as_current_span("stated", attributes=dict(tags)) as span:
            span.set_status(StatusCode.ERROR, text)

    def flush(self) -> None:
        """Let Sentry's events leave."""
        if self._has_sentry:
            sentry_sdk.flush(10)

    def forget(self) -> None:
        """Start counting again, as the child of a fork."""
        self.warnings.records.clear()
        if self.traces is not None:
            self.traces.forget()

    def close(self) -> None:
        """Let everything leave, and take it back."""
        if self.traces is not None:
            self.traces.close()
        self._stack.close()

    @contextmanager
    def _reporting(self, interruption: Interruption | None) -> Iterator[None]:
        with self._tracer.start_as_current_span("turn"):
            try:
                yield
            except Exception as error:
                if interruption is not None:
                    interruption.begins(error)
                if self._has_sentry:
                    sentry_sdk.capture_exception(error)
                raise


def _options(dsn: str, guards: list[SessionGuard]) -> dict[str, Any]:
    options: dict[str, Any] = {"dsn": dsn, "enable_logs": True, "auto_enabling_integrations": False}
    if len(guards) > 1:
        options["before_send"] = guards[1].before_send
    return guards[0].sentry_options(**options)
