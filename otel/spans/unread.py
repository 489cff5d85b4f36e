"""A span that is redacted when it is first read."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, TraceState

from sentry_filters.redaction import WITHHELD

from ..redaction import ALL_FIELDS, Field, Fields, Readable, Reader, ReadLater, always, later, sdk_records


def _has_no_state(context: SpanContext | None) -> bool:
    return context is None or not context.trace_state


def _has_no_text(status: Status) -> bool:
    return not status.description


class UnreadSpan(ReadLater, ReadableSpan):
    """A span as the SDK's own. What may hold a secret is redacted when any of it is first read."""

    __slots__ = ()
    of_sdk = ReadableSpan
    __dict__ = ALL_FIELDS

    _name = Field()
    _context = Field()
    _parent = Field(_has_no_state)
    _kind = Field(always)
    _instrumentation_info = Field()
    _instrumentation_scope = Field()
    _start_time = Field(always)
    _end_time = Field(always)
    _attributes = Field()
    _events = Field()
    _links = Field()
    _resource = Field()
    _status = Field(_has_no_text)


class UnreadState(ReadLater, TraceState):
    """The trace state of a span that may be unread: processors look at a span's ids before they queue it."""

    __slots__ = ()
    of_sdk = TraceState
    __dict__ = ALL_FIELDS

    _dict = Field()


class _StateOf:
    """Reads the trace state with its span."""

    __slots__ = ("_span",)
    item = None

    def __init__(self, span: Readable) -> None:
        self._span = span

    def read(self) -> Fields:
        context: SpanContext = self._span.read()["_context"]
        return {"_dict": dict(context.trace_state)}


def read_later(span: ReadableSpan, reader: Reader[ReadableSpan]) -> UnreadSpan:
    """Return a span that the reader redacts when it is first read."""
    unread = reader.unread(span)
    deferred = later(UnreadSpan, unread)
    context = span.context
    if context is not None and context.trace_state:
        context = sdk_records.with_state(context, later(UnreadState, _StateOf(unread)))
    deferred._context = context
    return deferred


def withheld_span(span: ReadableSpan, resource: Callable[[Resource], Resource]) -> ReadableSpan:
    """Return a span that says when and where it was, and nothing else. It does not raise."""
    status = span.status
    try:
        origin = resource(span.resource)
    except Exception:  # noqa: BLE001 - what withheld the span may withhold this, too
        origin = Resource.get_empty()
    return ReadableSpan(
        WITHHELD,
        context=_without_state(span.context),
        parent=_without_state(span.parent),
        resource=origin,
        kind=span.kind,
        status=Status(status.status_code) if isinstance(status, Status) else Status(),
        start_time=span.start_time,
        end_time=span.end_time,
    )


def _without_state(context: SpanContext | None) -> SpanContext | None:
    return None if context is None else sdk_records.with_state(context, TraceState())
