"""Every text in a span, log record or metric, as one row of bytes to look for canaries in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["bytes_of"]


def bytes_of(telemetry: Any) -> bytes:
    """Return all texts of a span, a log record, metrics, or several of them."""
    return b"\0".join(_texts(telemetry))


def _texts(value: Any) -> Iterator[bytes]:
    if isinstance(value, ReadableSpan):
        yield from _texts(_of_span(value))
    elif isinstance(value, ReadableLogRecord | ReadWriteLogRecord):
        yield from _texts(_of_record(value))
    elif isinstance(value, MetricsData):
        yield from _texts(_of_metrics(value))
    elif isinstance(value, bytes | bytearray):
        yield bytes(value)
    elif isinstance(value, Mapping):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for inner in value:
            yield from _texts(inner)
    elif value is not None:
        yield str(value).encode("utf-8", "replace")


def _of_span(span: ReadableSpan) -> list[Any]:
    return [
        span.name,
        span.attributes,
        [(event.name, event.attributes) for event in span.events],
        [(_state(link.context), link.attributes) for link in span.links],
        span.status.description,
        _state(span.context),
        _state(span.parent),
        *_of_source(span.resource, span.instrumentation_scope),
    ]


def _of_record(record: ReadableLogRecord | ReadWriteLogRecord) -> list[Any]:
    log = record.log_record
    return [
        log.body,
        log.attributes,
        log.event_name,
        log.severity_text,
        *_of_source(record.resource, record.instrumentation_scope),
    ]


def _of_metrics(data: MetricsData) -> Iterator[Any]:
    for of_resource in data.resource_metrics:
        for of_scope in of_resource.scope_metrics:
            yield _of_source(of_resource.resource, of_scope.scope)
            for metric in of_scope.metrics:
                yield [metric.name, metric.description, metric.unit]
                for point in metric.data.data_points:
                    yield point.attributes
                    yield [exemplar.filtered_attributes for exemplar in point.exemplars]


def _of_source(resource: Any, scope: Any) -> list[Any]:
    names = ("attributes", "schema_url", "name", "version")
    return [getattr(source, name, None) for source in (resource, scope) for name in names]


def _state(context: Any) -> str | None:
    state = None if context is None else context.trace_state
    return state.to_header() if state else None
