"""Providers as applications have them: a batch processor and OTLP over HTTP; only the network is left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from requests.adapters import BaseAdapter

from otel import GuardedLogRecordProcessor, GuardedSpanProcessor
from sentry_filters import SessionGuard

_ENDPOINT = "http://collector.example.test/v1"
_NEVER = 3_600_000.0  # milliseconds: a turn ends with a flush, and nothing is exported in its middle
_BATCHES: dict[str, Any] = {
    "max_queue_size": 16_384,
    "max_export_batch_size": 512,
    "schedule_delay_millis": _NEVER,
}


class _Collector(BaseAdapter):
    """Answers every request with 200: what is encoded and sent is the exporter's own work."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, request, request.url or ""
        answer._content = b""
        return answer

    def close(self) -> None:
        """Do nothing."""


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", _Collector())
    return session


@contextmanager
def tracing(guard: SessionGuard | None = None) -> Iterator[TracerProvider]:
    """Yield a provider with OTLP behind it, guarded if a guard is given."""
    provider = (
        TracerProvider(shutdown_on_exit=False)
        if guard is None
        else TracerProvider(active_span_processor=GuardedSpanProcessor(guard), shutdown_on_exit=False)
    )
    exporter = OTLPSpanExporter(f"{_ENDPOINT}/traces", session=_session())
    provider.add_span_processor(BatchSpanProcessor(exporter, **_BATCHES))
    try:
        yield provider
    finally:
        provider.shutdown()


@contextmanager
def logging_to(guard: SessionGuard | None = None) -> Iterator[LoggerProvider]:
    """Yield a provider of loggers with OTLP behind it, guarded if a guard is given."""
    provider = (
        LoggerProvider(shutdown_on_exit=False)
        if guard is None
        else LoggerProvider(
            multi_log_record_processor=GuardedLogRecordProcessor(guard), shutdown_on_exit=False
        )
    )
    exporter = OTLPLogExporter(f"{_ENDPOINT}/logs", session=_session())
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, **_BATCHES))
    try:
        yield provider
    finally:
        provider.shutdown()
