"""Real pipelines of the SDK, guarded, with in-memory exporters at their end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from otel import GuardedLogRecordProcessor, GuardedSpanProcessor
from sentry_filters import SessionGuard


@dataclass(frozen=True)
class Traces:
    """A guarded tracer provider, and what it exported."""

    provider: TracerProvider
    exporter: InMemorySpanExporter

    @property
    def tracer(self) -> Tracer:
        """A tracer of the application's."""
        return self.provider.get_tracer("app")

    @property
    def exported(self) -> list[ReadableSpan]:
        """What was exported so far, in order."""
        return list(self.exporter.get_finished_spans())

    def one(self, name: str) -> ReadableSpan:
        """The one exported span of this name."""
        (span,) = [span for span in self.exported if span.name == name]
        return span


@pytest.fixture
def traces(guard: SessionGuard) -> Iterator[Traces]:
    """A provider whose choke point is the guard."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield Traces(provider, exporter)
    provider.shutdown()


@dataclass(frozen=True)
class Logs:
    """A guarded logger provider, and what it exported."""

    provider: LoggerProvider
    exporter: InMemoryLogRecordExporter


@pytest.fixture
def logs(guard: SessionGuard) -> Iterator[Logs]:
    """A provider whose choke point is the guard."""
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(multi_log_record_processor=GuardedLogRecordProcessor(guard))
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    yield Logs(provider, exporter)
    provider.shutdown()
