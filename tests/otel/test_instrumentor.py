"""The instrumentor for auto-instrumentation: calls are recorded and providers guarded, by itself."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from otel.auto import GuardedInstrumentor
from sentry_filters import SessionGuard
from tests.otel.instrumented import instrumented
from tests.support.backend import LLMBackend
from tests.support.callers import CALLERS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


def turn(provider: TracerProvider, client: str, url: str) -> None:
    with contextlib.suppress(Exception), provider.get_tracer("app").start_as_current_span("turn"):
        CALLERS[client](url)


def test_the_entry_point_names_it() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        points = tomllib.load(file)["project"]["entry-points"]["opentelemetry_instrumentor"]
    module, name = points["sentry_filters"].split(":")

    assert getattr(import_module(module), name).__qualname__ == GuardedInstrumentor.__qualname__


def test_the_environments_policy_guards_calls_and_spans(
    provider: TracerProvider,
    exporter: InMemorySpanExporter,
    backend: LLMBackend,
    other_backend: LLMBackend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SENTRY_FILTERS_PROVIDER", "OpenHuman")
    monkeypatch.setenv("SENTRY_FILTERS_HOSTS", backend.address)
    instrumentor = GuardedInstrumentor()
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    try:
        with instrumented(provider, "httpx"):
            for client in ("httpx2", "urllib3", "aiohttp"):
                turn(provider, client, backend.url)
                turn(provider, client, other_backend.url)
    finally:
        instrumentor.uninstrument()

    failed = [
        span.name for span in exporter.get_finished_spans() if span.status.status_code is StatusCode.ERROR
    ]
    assert sorted(failed) == ["POST", "turn", "turn", "turn"], "the third party's"


def test_without_a_policy_nothing_happens(provider: TracerProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTRY_FILTERS_PROVIDER", raising=False)
    before = provider._active_span_processor._span_processors

    instrumentor = GuardedInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    instrumentor.uninstrument()

    assert provider._active_span_processor._span_processors == before


def test_a_provider_that_cannot_be_guarded_does_not_end_the_start(
    guard: SessionGuard, caplog: pytest.LogCaptureFixture
) -> None:
    instrumentor = GuardedInstrumentor()

    instrumentor.instrument(guard=guard, tracer_provider=object())
    instrumentor.uninstrument()

    assert "spans and logs are not guarded" in caplog.text


def test_a_provider_that_cannot_be_flushed_at_exit_prints_nothing_and_stops_no_other() -> None:
    program = """
import logging
from opentelemetry import metrics, trace
from opentelemetry._logs import NoOpLoggerProvider, set_logger_provider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider
from otel.auto import GuardedOTLPSpanExporter

class Raises(NoOpTracerProvider):
    def force_flush(self):
        raise RuntimeError("a payload")

class Flushes(NoOpMeterProvider):
    def force_flush(self):
        print("flushed")

logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
exporter = GuardedOTLPSpanExporter()
trace.set_tracer_provider(Raises())
set_logger_provider(NoOpLoggerProvider())
metrics.set_meter_provider(Flushes())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "flushed\n"
    assert done.stderr == "WARNING sentry-filters: a provider's force_flush raised RuntimeError at exit\n"
