"""A real collector takes guarded telemetry over OTLP/HTTP and gRPC, and forwards it."""

from __future__ import annotations

import importlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel import (
    GuardedLogRecordProcessor,
    GuardedSpanProcessor,
    RedactingMetricExporter,
    emit_decisions,
    emit_session_expired,
    observe_counters,
)
from sentry_filters import SessionGuard
from tests.otel.canary import HARMLESS, secret
from tests.otel.instrumented import require_group
from tests.otel.test_canaries import a_resource, assert_no_secret, make_a_span
from tests.support.otlp import OTLPReceiver, attributes_of
from tests.support.services import Process, free_port

pytestmark = pytest.mark.integration


def listens(port: int) -> Callable[[], bool]:
    def is_ready() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return is_ready


@contextmanager
def collector(receiver: OTLPReceiver, folder: Path) -> Iterator[dict[str, str]]:
    """A running rotel, by the endpoints of its protocols."""
    binary = Path(str(importlib.import_module("rotel").__file__)).with_name("rotel-agent")
    ports = {"http": free_port(), "grpc": free_port()}
    command = [
        *(str(binary), "start"),
        *("--otlp-http-endpoint", f"127.0.0.1:{ports['http']}"),
        *("--otlp-grpc-endpoint", f"127.0.0.1:{ports['grpc']}"),
        *("--exporter", "otlp", "--otlp-exporter-endpoint", receiver.url),
        *("--otlp-exporter-protocol", "http", "--batch-timeout", "200ms"),
    ]
    process = Process(
        command,
        ready=lambda: listens(ports["http"])() and listens(ports["grpc"])(),
        log=folder / "rotel.log",
        environ=dict(os.environ),
        folder=folder,
    )
    with process:
        yield {protocol: f"http://127.0.0.1:{port}" for protocol, port in ports.items()}


def exporters(protocol: str, endpoint: str) -> tuple[Any, Any, Any]:
    package = f"opentelemetry.exporter.otlp.proto.{protocol}"
    kinds = [
        ("trace_exporter", "OTLPSpanExporter", "traces"),
        ("_log_exporter", "OTLPLogExporter", "logs"),
        ("metric_exporter", "OTLPMetricExporter", "metrics"),
    ]
    made = []
    for module, kind, path in kinds:
        url = f"{endpoint}/v1/{path}" if protocol == "http" else endpoint
        made.append(getattr(importlib.import_module(f"{package}.{module}"), kind)(endpoint=url))
    return made[0], made[1], made[2]


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the collector did not forward everything in time"
        time.sleep(0.02)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_everything_arrives_redacted(protocol: str, guard: SessionGuard, tmp_path: Path) -> None:
    require_group()
    with OTLPReceiver() as receiver, collector(receiver, tmp_path) as endpoints:
        spans, records, metrics = exporters(protocol, endpoints[protocol])
        tracing = TracerProvider(resource=a_resource(), active_span_processor=GuardedSpanProcessor(guard))
        tracing.add_span_processor(BatchSpanProcessor(spans))
        logging = LoggerProvider(
            resource=a_resource(), multi_log_record_processor=GuardedLogRecordProcessor(guard)
        )
        logging.add_log_record_processor(BatchLogRecordProcessor(records))
        redacting = RedactingMetricExporter(metrics, guard.redactor)
        reader = PeriodicExportingMetricReader(redacting, export_interval_millis=3_600_000)
        metering = MeterProvider([reader], resource=a_resource())
        observe_counters(guard, metering)
        emit_session_expired(guard, logging)
        emit_decisions(guard, logging)

        make_a_span(tracing)
        logging.get_logger("app").emit(body=f"{HARMLESS} {secret(1)}")
        metering.get_meter("app").create_histogram("sizes").record(3, {"key": secret(2)})
        guard.report("OpenHuman API error (401 Unauthorized)", **_TAGS)
        guard.bus.flush()
        for provider in (tracing, logging, metering):
            provider.shutdown()

        wait_until(lambda: receiver.spans and receiver.metrics and len(receiver.logs) >= 3)
        assert_no_secret(receiver.bytes)
        events = {record.event_name: attributes_of(record) for record in receiver.logs if record.event_name}
        assert events["session.expired"]["sentry_filters.source"] == "llm_provider.openhuman_backend"
        assert events["session.expired"]["http.response.status_code"] == 401
        assert events["sentry_filters.decision"]["sentry_filters.verdict"] == "drop"
        by_name = {metric.name: metric for metric in receiver.metrics}
        assert {"sizes", "sentry_filters.decisions", "sentry_filters.redactions"} <= set(by_name)
        (expired,) = [one for one in by_name["sentry_filters.session_expired"].sum.data_points if one.as_int]
        assert attributes_of(expired) == {
            "source": "llm_provider.openhuman_backend",
            "confirmed": "false",
            "handled": "true",
        }
        assert expired.as_int == 1
        assert events["session.expired"]["sentry_filters.handled"] is True
        assert (
            events["session.expired"]["sentry_filters.expiry"]
            == events["sentry_filters.decision"]["sentry_filters.expiry"]
        )


_TAGS: Any = {"operation": "chat_completions", "provider": "OpenHuman", "status": 401}
