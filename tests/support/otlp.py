"""A local OTLP/HTTP receiver: keeps the bytes that arrived, and reads them with the protocol's own types."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.servers import LocalServer, QuietHandler


@dataclass(frozen=True)
class Posted:
    """One request as it arrived."""

    path: str
    body: bytes


class OTLPReceiver(LocalServer):
    """Takes `/v1/traces`, `/v1/logs` and `/v1/metrics` and keeps every byte."""

    def __init__(self) -> None:
        self._posted: list[Posted] = []
        lock = threading.Lock()
        posted = self._posted

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                body = self.read_body()
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                with lock:
                    posted.append(Posted(self.path, body))
                self.answer(200, b"", "application/x-protobuf")

        super().__init__(Handler)

    @property
    def url(self) -> str:
        """Base URL for exporters."""
        return f"http://{self.address}"

    @property
    def posted(self) -> list[Posted]:
        """All requests."""
        return list(self._posted)

    @property
    def bytes(self) -> bytes:
        """Everything received, decompressed."""
        return b"\n".join(posted.body for posted in list(self._posted))

    @property
    def spans(self) -> list[Span]:
        """All spans."""
        return [
            span
            for body in self._bodies("/v1/traces")
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def logs(self) -> list[LogRecord]:
        """All log records."""
        return [
            record
            for body in self._bodies("/v1/logs")
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    @property
    def metrics(self) -> list[Metric]:
        """All metrics."""
        return [
            metric
            for body in self._bodies("/v1/metrics")
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def _bodies(self, path: str) -> Iterator[Any]:
        return (posted.body for posted in list(self._posted) if posted.path == path)


def attributes_of(item: Any) -> dict[str, Any]:
    """Return the attributes of a received item as plain values."""
    return {attribute.key: value_of(attribute.value) for attribute in item.attributes}


def value_of(value: AnyValue) -> Any:
    """Return a received value as a plain one."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    held = getattr(value, kind)
    if kind == "array_value":
        return [value_of(item) for item in held.values]
    if kind == "kvlist_value":
        return {item.key: value_of(item.value) for item in held.values}
    return held
