"""How the SDK's records are read fast, and rebuilt: the one place that knows its private seams.

`tests/otel/redaction/test_sdk_records.py` pins each of them. Reading falls back to the public property, at
some cost; rebuilding goes through public constructors and keeps the dropped counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from opentelemetry._logs import LogRecord
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import (
    LogRecordLimits,
    ReadableLogRecord,
    ReadWriteLogRecord,
    SynchronousMultiLogRecordProcessor,
)
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SynchronousMultiSpanProcessor
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, SpanContext, TraceState
from opentelemetry.util.types import AnyValue

_Item = TypeVar("_Item")

# As the constructors of spans and log records call them; attributes are copied.
_SPAN_FIELDS = (
    "name", "context", "parent", "resource", "events", "links", "kind", "status", "start_time", "end_time",
    "instrumentation_scope",
)  # fmt: skip
_RECORD_FIELDS = (
    "timestamp", "observed_timestamp", "context", "severity_text", "severity_number", "body", "attributes",
    "event_name",
)  # fmt: skip


class ProcessorsSeam(NamedTuple):
    """How a provider holds its processors."""

    kind: type
    """Of what a provider, and each tracer or logger that it made, hands records to."""
    of_provider: str
    """The provider's attribute with it; behind the underscore, the constructor's argument."""
    processors: str
    add: str


SPAN_PROCESSORS = ProcessorsSeam(
    SynchronousMultiSpanProcessor, "_active_span_processor", "_span_processors", "add_span_processor"
)
LOG_PROCESSORS = ProcessorsSeam(
    SynchronousMultiLogRecordProcessor,
    "_multi_log_record_processor",
    "_log_record_processors",
    "add_log_record_processor",
)


def attributes_of(holder: Any) -> dict[str, AnyValue]:
    """Return a copy of the attributes of a span, event, link, record, resource or scope.

    `copy` of the SDK's own mappings is several times faster than iterating over them.
    """
    attributes = holder.attributes
    if not attributes:
        return {}
    copied = attributes.copy() if hasattr(attributes, "copy") else dict(attributes)
    return copied if type(copied) is dict else dict(copied)


def glance_at(holder: Any) -> Mapping[str, AnyValue]:
    """Return attributes to look at, neither to keep nor to change, for less than `attributes_of`."""
    attributes: Any = holder._attributes if type(holder) is ReadableSpan else holder.attributes
    try:
        inside: Mapping[str, AnyValue] = attributes._dict
    except AttributeError:
        return attributes or {}
    return inside


def has_more_than_attributes(span: ReadableSpan) -> bool:
    """Say whether the span has events, links or a trace state, without copying them as the properties do."""
    context, parent = span.context, span.parent
    if (context is not None and context.trace_state) or (parent is not None and parent.trace_state):
        return True
    try:
        return bool(span._events or span._links)
    except AttributeError:
        return bool(span.events or span.links)


def with_state(context: SpanContext, state: TraceState) -> SpanContext:
    """Return a context with another trace state: a tuple whose ids were validated when it was made."""
    trace_id, span_id, is_remote, flags, _, is_valid = context
    changed: SpanContext = tuple.__new__(SpanContext, (trace_id, span_id, is_remote, flags, state, is_valid))
    return changed


def rebuilt_span(span: ReadableSpan, **changes: Any) -> ReadableSpan:
    """Return a new span that differs from `span` by `changes`, in the constructor's terms.

    Ids, times, kind, links and dropped counts stay as they are; `span` itself is not touched.
    """
    scope = span.instrumentation_scope
    fields: dict[str, Any] = {name: getattr(span, name) for name in _SPAN_FIELDS if name not in changes}
    fields.update(changes)
    if fields["instrumentation_scope"] is scope:
        fields["instrumentation_info"] = getattr(span, "_instrumentation_info", None)
    attributes = changes["attributes"] if "attributes" in changes else attributes_of(span)
    fields["attributes"] = _counting(attributes, span.dropped_attributes)
    fields["events"] = _counting_list(fields["events"], span.dropped_events)
    fields["links"] = _counting_list(fields["links"], span.dropped_links)
    return ReadableSpan(**fields)


def rebuilt_event(event: Event, name: str, attributes: Mapping[str, AnyValue]) -> Event:
    """Return `event` with another name and other attributes; its time and dropped count stay."""
    return Event(name, _counting(attributes, event.dropped_attributes), event.timestamp)


def rebuilt_link(link: Link, context: SpanContext, attributes: Mapping[str, AnyValue]) -> Link:
    """Return `link` with another context and other attributes; its dropped count stays."""
    return Link(context, _counting(attributes, link.dropped_attributes))


def rebuilt_record(record: ReadWriteLogRecord, **changes: Any) -> ReadWriteLogRecord:
    """Return a copy of a log record with `changes` to its fields; `resource` and the scope may be among them.

    The exception object does not go along where anything changed: what exporters need of it, the SDK has
    already written into the attributes.
    """
    old = record.log_record
    fields = {name: changes[name] if name in changes else getattr(old, name) for name in _RECORD_FIELDS}
    if "attributes" not in changes:
        fields["attributes"] = attributes_of(old)
    new = type(old)(**fields)
    # Ids may have been given without a context; the constructor takes them from the context only.
    new.trace_id, new.span_id, new.trace_flags = old.trace_id, old.span_id, old.trace_flags
    rebuilt = ReadWriteLogRecord(
        log_record=new,
        resource=changes.get("resource", record.resource),
        instrumentation_scope=changes.get("instrumentation_scope", record.instrumentation_scope),
        limits=record.limits,
    )
    if isinstance(new.attributes, BoundedAttributes):
        new.attributes.dropped += record.dropped_attributes
    return rebuilt


def record_of(log: LogRecord, **others: Any) -> ReadWriteLogRecord:
    """Return a processor's record around a log record, which stays as it is, and the `others` of its fields.

    The constructor would put new attributes into the log record, which the caller still owns.
    """
    record = ReadWriteLogRecord.__new__(ReadWriteLogRecord)
    record.__dict__.update(others, log_record=log)
    return record


def writable_record(record: ReadableLogRecord) -> ReadWriteLogRecord:
    """Return an export batch's record in a processor's form, around the same log record."""
    return record_of(
        record.log_record,
        resource=record.resource,
        instrumentation_scope=record.instrumentation_scope,
        limits=record.limits or LogRecordLimits(),
    )


def readable_record(record: ReadWriteLogRecord) -> ReadableLogRecord:
    """Return a processor's record in an export batch's form, as the SDK's batch processor does."""
    return ReadableLogRecord(
        log_record=record.log_record,
        resource=record.resource or Resource.get_empty(),
        instrumentation_scope=record.instrumentation_scope,
        limits=record.limits,
    )


def kept_of_readable(
    record: ReadableLogRecord, keep: Callable[[ReadWriteLogRecord], ReadWriteLogRecord | None]
) -> ReadableLogRecord | None:
    """Return what `keep`, which takes a processor's record, makes of an export batch's; the same if clean."""
    writable = writable_record(record)
    kept = keep(writable)
    if kept is writable:
        return record
    return None if kept is None else readable_record(kept)


def preferences_of(exporter: MetricExporter) -> dict[str, Any]:
    """Return the temporality and aggregation that a reader takes from `exporter`, as arguments."""
    return {
        "preferred_temporality": getattr(exporter, "_preferred_temporality", None),
        "preferred_aggregation": getattr(exporter, "_preferred_aggregation", None),
    }


def _counting(attributes: Mapping[str, AnyValue], dropped: int) -> Mapping[str, AnyValue]:
    if not dropped:
        return attributes
    counting = BoundedAttributes(attributes=attributes)
    counting.dropped = dropped
    return counting


def _counting_list(items: Sequence[_Item], dropped: int) -> Sequence[_Item]:
    if not dropped:
        return items
    counting = BoundedList.from_seq(len(items), items)
    counting.dropped = dropped
    return counting
