"""`instrument`: a guard before everything that real providers have, and get."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import sentry_filters.otel.testing
from sentry_filters import Policy, SessionGuard
from sentry_filters.otel import GuardedSpanProcessor, instrument
from sentry_filters.testing import Outcome
from tests.otel.canary import secret

CANARY = secret(1)
OURS = {
    "domain": "llm_provider",
    "operation": "chat_completions",
    "provider": "OpenHuman",
    "status": "401",
    "failure": "non_2xx",
}


def end_spans(provider: trace.TracerProvider | trace.Tracer) -> None:
    tracer = provider if isinstance(provider, trace.Tracer) else provider.get_tracer("app")
    with tracer.start_as_current_span("work", attributes={"note": CANARY}):
        tracer.start_span("call", attributes=OURS).end()


def texts(exporter: InMemorySpanExporter) -> list[str]:
    assert CANARY not in "".join(span.to_json() for span in exporter.get_finished_spans())
    return [span.name for span in exporter.get_finished_spans()]


@pytest.mark.promise("redaction-otel")
def test_processors_that_were_there_and_later_ones_are_behind_the_guard(guard: SessionGuard) -> None:
    earlier, later = InMemorySpanExporter(), InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(earlier))
    instrument(guard, tracer_provider=provider)
    provider.add_span_processor(SimpleSpanProcessor(later))

    end_spans(provider)

    assert texts(earlier) == texts(later) == ["work"]
    provider.shutdown()


def test_tracers_and_spans_that_were_there_are_guarded(guard: SessionGuard) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("app")
    open_span = tracer.start_span("open", attributes={"note": CANARY})
    instrument(guard, tracer_provider=provider)

    end_spans(tracer)
    open_span.end()

    assert texts(exporter) == ["work", "open"]
    provider.shutdown()


@pytest.mark.promise("silence", "redaction-otel")
def test_logs_are_guarded_and_expiries_exported(guard: SessionGuard) -> None:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    instrument(guard, logger_provider=provider)

    provider.get_logger("app").emit(body=f"key {CANARY}")
    provider.get_logger("app").emit(body="401", attributes=OURS)
    guard.bus.flush()

    records = [one.log_record for one in exporter.get_finished_logs()]
    assert [one.event_name or one.body for one in records] == ["key [REDACTED]", "session.expired"]
    provider.shutdown()


def test_counters_are_metrics(guard: SessionGuard) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    instrument(guard, meter_provider=provider)

    data: Any = reader.get_metrics_data()

    names = [metric.name for metric in data.resource_metrics[0].scope_metrics[0].metrics]
    assert "sentry_filters.gate.closed" in names
    provider.shutdown()


def test_a_second_call_changes_nothing(guard: SessionGuard) -> None:
    exporter, reader = InMemoryLogRecordExporter(), InMemoryMetricReader()  # type: ignore[no-untyped-call]
    tracers, loggers, meters = TracerProvider(), LoggerProvider(), MeterProvider([reader])
    loggers.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    for _ in range(2):
        instrument(guard, tracer_provider=tracers, logger_provider=loggers, meter_provider=meters)

    end_spans(tracers)
    loggers.get_logger("app").emit(body="401", attributes=OURS)
    guard.bus.flush()

    assert [one.log_record.event_name for one in exporter.get_finished_logs()] == ["session.expired"]
    assert guard.counters.get("seen", "span") == 2
    data: Any = reader.get_metrics_data()
    names = [metric.name for metric in data.resource_metrics[0].scope_metrics[0].metrics]
    assert len(names) == len(set(names))
    tracers.shutdown()
    loggers.shutdown()
    meters.shutdown()


def test_a_provider_that_was_made_with_the_guard_stays_as_it_is(guard: SessionGuard) -> None:
    tracers = TracerProvider(active_span_processor=GuardedSpanProcessor(guard))
    instrument(guard, tracer_provider=tracers)

    end_spans(tracers)

    assert guard.counters.get("seen", "span") == 2
    tracers.shutdown()


def test_two_guards_both_decide(guard: SessionGuard) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    other = SessionGuard(Policy(provider="Other", hosts={"other.example"}))
    instrument(guard, tracer_provider=provider)
    instrument(other, tracer_provider=provider)

    provider.get_tracer("app").start_span("theirs", attributes={**OURS, "provider": "Other"}).end()
    end_spans(provider)

    assert texts(exporter) == ["work"]
    provider.shutdown()
    other.close()


def test_the_check_finds_nothing_that_bypasses_it(guard: SessionGuard) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    provider.get_tracer("early")
    instrument(guard, tracer_provider=provider)
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))

    report = sentry_filters.otel.testing.check(guard, tracer_provider=provider)

    spans = [one for one in report.paths if one.path.startswith("opentelemetry span")]
    assert {one.outcome for one in spans} == {Outcome.CLEAN}
    report.raise_for_leaks()
    provider.shutdown()


@pytest.mark.parametrize("argument", ["tracer_provider", "logger_provider", "meter_provider"])
def test_a_provider_that_is_not_of_the_sdk_is_refused(guard: SessionGuard, argument: str) -> None:
    provider: Any = trace.NoOpTracerProvider()

    with pytest.raises(TypeError, match=rf"invalid {argument} <.*>; expected a \w+Provider of the SDK"):
        instrument(guard, **{argument: provider})


def test_a_provider_that_nothing_can_be_put_into_is_refused(guard: SessionGuard) -> None:
    provider = TracerProvider(active_span_processor=ConcurrentMultiSpanProcessor())

    with pytest.raises(TypeError, match=r"with active_span_processor=GuardedSpanProcessor\(guard\)"):
        instrument(guard, tracer_provider=provider)
    provider.shutdown()


def test_a_provider_that_is_guarded_in_part_is_refused(guard: SessionGuard) -> None:
    provider = TracerProvider()
    provider.add_span_processor(GuardedSpanProcessor(guard))
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))

    with pytest.raises(TypeError, match=r"invalid processors .*GuardedSpanProcessor.* of TracerProvider"):
        instrument(guard, tracer_provider=provider)
    provider.shutdown()


def test_the_global_providers_are_the_default() -> None:
    code = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sentry_filters import Policy, SessionGuard
from sentry_filters.otel import instrument
guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}))
try:
    instrument(guard)
except TypeError as error:
    assert str(error).startswith("no provider to instrument; expected"), error
else:
    raise AssertionError
trace.set_tracer_provider(TracerProvider())
instrument(guard)
trace.get_tracer("app").start_span("work").end()
assert guard.counters.get("seen", "span") == 1
guard.close()
"""
    subprocess.run([sys.executable, "-c", code], check=True)
