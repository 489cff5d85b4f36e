"""The real ClickHouse engine in this process, and rows in it as the Collector's exporter stores them."""

from __future__ import annotations

import base64
import importlib
import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from sentry_filters.audit.queries import dashboards_folder
from tests.support.otlp import Posted, value_of
from tests.support.services import require

Row = tuple[Any, ...]
_MAP = "Map(LowCardinality(String), String)"
_OF_LOGS = {
    "Timestamp": "DateTime64(9)",
    "TimestampTime": "DateTime DEFAULT toDateTime(Timestamp)",
    "TraceId": "String",
    "SpanId": "String",
    "TraceFlags": "UInt8",
    "SeverityText": "LowCardinality(String)",
    "SeverityNumber": "UInt8",
    "ServiceName": "LowCardinality(String)",
    "Body": "String",
    "ResourceSchemaUrl": "LowCardinality(String)",
    "ResourceAttributes": _MAP,
    "ScopeSchemaUrl": "LowCardinality(String)",
    "ScopeName": "String",
    "ScopeVersion": "LowCardinality(String)",
    "ScopeAttributes": _MAP,
    "LogAttributes": _MAP,
}
_OF_SUMS = {
    "ResourceAttributes": _MAP,
    "ResourceSchemaUrl": "String",
    "ScopeName": "String",
    "ScopeVersion": "String",
    "ScopeAttributes": _MAP,
    "ScopeDroppedAttrCount": "UInt32",
    "ScopeSchemaUrl": "String",
    "ServiceName": "LowCardinality(String)",
    "MetricName": "LowCardinality(String)",
    "MetricDescription": "String",
    "MetricUnit": "String",
    "Attributes": _MAP,
    "StartTimeUnix": "DateTime",
    "TimeUnix": "DateTime",
    "Value": "Float64",
    "Flags": "UInt32",
    "AggregationTemporality": "Int32",
    "IsMonotonic": "Boolean",
}
SHAPES: Mapping[str, tuple[dict[str, str], dict[str, str]]] = {
    "older": (_OF_LOGS, {**_OF_SUMS, "StartTimeUnix": "DateTime64(9)", "TimeUnix": "DateTime64(9)"}),
    "newer": ({**_OF_LOGS, "EventName": "String"}, _OF_SUMS),
}
"""The columns that versions of the exporter make for logs and for sums: events without and with their name,
times in nanoseconds and in whole seconds."""


class ClickHouse:
    """One engine for the whole run: it cannot be had twice in a process. Each test has a database of its own.

    Args:
        folder: Where it keeps its data.
    """

    def __init__(self, folder: Path) -> None:
        # It ships no types, and is too large to be everywhere.
        self._session: Any = importlib.import_module("chdb.session").Session(str(folder))
        self._session.query("SET session_timezone = 'UTC'")

    def close(self) -> None:
        """End it."""
        self._session.close()

    def run(self, *statements: str) -> None:
        """Run statements that return nothing."""
        for statement in statements:
            self._session.query(statement)

    def ask(self, sql: str, database: str = "sentry_filters") -> tuple[list[str], list[Row]]:
        """Return the columns' names and the rows of a SELECT over the tables of `database`."""
        self._session.query(f"USE {database}")
        answer = json.loads(self._session.query(sql, "JSONCompact").bytes())
        return [column["name"] for column in answer["meta"]], [tuple(row) for row in answer["data"]]

    def insert(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Insert rows; what a row does not name gets its column's default."""
        lines = "\n".join(json.dumps(row) for row in rows)
        if lines:
            self._session.query(f"INSERT INTO {table} FORMAT JSONEachRow\n{lines}")

    def create_exporter_tables(self, database: str, shape: str) -> None:
        """Create, afresh, a database as one of the exporter's versions makes it, with the views over it."""
        logs, sums = SHAPES[shape]
        self.run(
            f"DROP DATABASE IF EXISTS {database}",
            f"CREATE DATABASE {database}",
            f"USE {database}",
            _create("otel_logs", logs, "toDate(TimestampTime)", "(ServiceName, TimestampTime, Timestamp)"),
            _create("otel_metrics_sum", sums, "toDate(TimeUnix)", "(ServiceName, MetricName, TimeUnix)"),
        )
        self.create_views(database)

    def create_views(self, database: str) -> None:
        """Create the views over the exporter's tables in `database`, as an operator does."""
        self.run(f"USE {database}", *_statements(dashboards_folder() / "clickhouse" / "views.sql"))

    def load(self, database: str, shape: str, posted: Sequence[Posted]) -> None:
        """Insert what an OTLP receiver got, as the exporter does."""
        logs, sums = SHAPES[shape]
        rows = [row for one in posted if one.path == "/v1/logs" for row in _rows_of_logs(one.body)]
        self.insert(f"{database}.otel_logs", ({key: row[key] for key in logs if key in row} for row in rows))
        points = [row for one in posted if one.path == "/v1/metrics" for row in _rows_of_sums(one.body)]
        if sums["TimeUnix"] == "DateTime":
            points = [_in_whole_seconds(row) for row in points]
        self.insert(f"{database}.otel_metrics_sum", points)


@contextmanager
def clickhouse_in(folder: Path) -> Iterator[ClickHouse]:
    """Run the engine for the time of a block; skips the test, or fails it in CI, where there is none."""
    require(
        importlib.util.find_spec("chdb"), "run `uv pip install --group audit-test`: chdb is not installed"
    )
    engine = ClickHouse(folder)
    try:
        yield engine
    finally:
        engine.close()


def _create(table: str, columns: Mapping[str, str], partition: str, order: str) -> str:
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"CREATE TABLE {table} ({listed}) ENGINE = MergeTree PARTITION BY {partition} ORDER BY {order}"


def _statements(path: Path) -> list[str]:
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("--")]
    return [statement for statement in "\n".join(lines).split(";") if statement.strip()]


def _rows_of_logs(body: bytes) -> Iterator[dict[str, object]]:
    for of_resource in ExportLogsServiceRequest.FromString(body).resource_logs:
        resource = _as_map(of_resource.resource.attributes)
        for of_scope in of_resource.scope_logs:
            for record in of_scope.log_records:
                yield {
                    "Timestamp": _moment(record.time_unix_nano or record.observed_time_unix_nano),
                    "TraceId": record.trace_id.hex(),
                    "SpanId": record.span_id.hex(),
                    "TraceFlags": record.flags & 0xFF,
                    "SeverityText": record.severity_text,
                    "SeverityNumber": record.severity_number,
                    "ServiceName": resource.get("service.name", ""),
                    "Body": _as_text(record.body),
                    "ResourceSchemaUrl": of_resource.schema_url,
                    "ResourceAttributes": resource,
                    "ScopeSchemaUrl": of_scope.schema_url,
                    "ScopeName": of_scope.scope.name,
                    "ScopeVersion": of_scope.scope.version,
                    "ScopeAttributes": _as_map(of_scope.scope.attributes),
                    "LogAttributes": _as_map(record.attributes),
                    "EventName": record.event_name,
                }


def _rows_of_sums(body: bytes) -> Iterator[dict[str, object]]:
    for of_resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        resource = _as_map(of_resource.resource.attributes)
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                for point in metric.sum.data_points:
                    yield {
                        "ResourceAttributes": resource,
                        "ScopeName": of_scope.scope.name,
                        "ServiceName": resource.get("service.name", ""),
                        "MetricName": metric.name,
                        "MetricDescription": metric.description,
                        "MetricUnit": metric.unit,
                        "Attributes": _as_map(point.attributes),
                        "StartTimeUnix": _moment(point.start_time_unix_nano),
                        "TimeUnix": _moment(point.time_unix_nano),
                        "Value": point.as_int if point.HasField("as_int") else point.as_double,
                        "Flags": point.flags,
                        "AggregationTemporality": metric.sum.aggregation_temporality,
                        "IsMonotonic": metric.sum.is_monotonic,
                    }


def _in_whole_seconds(row: Mapping[str, object]) -> dict[str, object]:
    return {
        **row,
        **{name: str(row[name]).partition(".")[0] for name in ("StartTimeUnix", "TimeUnix")},
    }


def _moment(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest:09d}"


def _as_map(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {attribute.key: _as_text(attribute.value) for attribute in attributes}


def _as_text(value: AnyValue) -> str:
    plain = value_of(value)
    if plain is None:
        return ""
    if isinstance(plain, str):
        return plain
    if isinstance(plain, bytes):
        return base64.b64encode(plain).decode()
    return json.dumps(plain, separators=(",", ":"))
