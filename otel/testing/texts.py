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
    return b"\0".join(_texts(_parts(telemetry)))


def _parts(item: Any) -> Any:
    if isinstance(item, ReadableSpan):
        return _of_span(item)
    if isinstance(item, ReadableLogRecord | ReadWriteLogRecord):
        return _of_record(item)
    if isinstance(item, MetricsData):
        return list(_of_metrics(item))
    return [_parts(one) for one in item] if isinstance(item, list | tuple) else []


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
    found: list[Any] = []
    for source in (resource, scope):
        if source is not None:
            found += [source.attributes, source.schema_url, getattr(source, "name", None)]
            found.append(getattr(source, "version", None))
    return found


def _state(context: Any) -> Any:
    state = None if context is None else context.trace_state
    return None if not state else state.to_header()


def _texts(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes | bytearray):
        yield bytes(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key).encode("utf-8", "replace")
            yield from _texts(inner)
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for inner in value:
            yield from _texts(inner)
    elif value is not None:
        yield str(value).encode("utf-8", "replace")
