"""What a span or log record says, apart from where it is from: how it is taken out, and put back redacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, Status, TraceState
from opentelemetry.util.types import AnyValue

from . import sdk_records
from .accounts import unless_same
from .known_clean import Look

AnyRecord = ReadableLogRecord | ReadWriteLogRecord
Content = list[Any]
"""Texts in lists of their own, since what stands beside a text may tell about it; and attributes."""

_TEXTS_OF_LOG = ("body", "event_name", "severity_text")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of a content.

    Args:
        old: The content.
        new: Without secrets: the same object where there were none.
        kinds: The kind of each secret.
    """

    old: Content
    new: Content
    kinds: Sequence[str] = ()

    @property
    def is_clean(self) -> bool:
        """Whether there was nothing to remove."""
        return self.new is self.old


_NOTHING: Final[Content] = []
CLEAN: Final = Cleaned(_NOTHING, _NOTHING)


# Spans


def look_at_span(span: ReadableSpan) -> Look:
    """Return what there is to look at."""
    look = Look([sdk_records.glance_at(span)], [span.name])
    description = span.status.description
    if description:
        look.values.append(description)
    if sdk_records.has_more_than_attributes(span):
        contexts = [span.context, span.parent]
        for event in span.events:
            look.values.append(event.name)
            look.attributes.append(sdk_records.glance_at(event))
        for link in span.links:
            contexts.append(link.context)
            look.attributes.append(sdk_records.glance_at(link))
        look.attributes += [state_of(one) for one in contexts if one is not None and one.trace_state]
    return look


def content_of_span(span: ReadableSpan) -> Content:
    """Return all that may hold a secret."""
    return [
        [span.name],
        [span.status.description],
        sdk_records.attributes_of(span),
        state_of(span.context),
        state_of(span.parent),
        [[[event.name], sdk_records.attributes_of(event), None] for event in span.events],
        [[state_of(link.context), sdk_records.attributes_of(link), None] for link in span.links],
    ]


def changes_of_span(span: ReadableSpan, cleaned: Cleaned) -> dict[str, Any]:
    """Return the fields of a span that are other ones now.

    Raises:
        TypeError, ValueError: A part of it could not be redacted.
    """
    (name,), (description,), attributes, state, parent, events, links = cleaned.new
    _, (old_description,), _, old_state, old_parent, old_events, old_links = cleaned.old
    status = span.status
    return {
        "name": name,
        "status": status if description is old_description else Status(status.status_code, description),
        "attributes": _attributes(attributes),
        "context": with_entries(span.context, old_state, state),
        "parent": with_entries(span.parent, old_parent, parent),
        "events": unless_same(span.events, tuple(map(_event, span.events, old_events, events))),
        "links": unless_same(span.links, tuple(map(_link, span.links, old_links, links))),
    }


def _event(event: Event, old: Content, new: Content) -> Event:
    if new is old:
        return event
    (name,), attributes, _ = new
    return sdk_records.rebuilt_event(event, name, _attributes(attributes))


def _link(link: Link, old: Content, new: Content) -> Link:
    if new is old:
        return link
    state, attributes, _ = new
    return sdk_records.rebuilt_link(link, with_entries(link.context, old[0], state), _attributes(attributes))


# Log records


def look_at_log(log: LogRecord) -> Look:
    """Return what there is to look at; a body may be anything."""
    texts = (log.body, log.event_name, log.severity_text)
    return Look([sdk_records.attributes_of(log)], [text for text in texts if text])


def content_of_log(log: LogRecord) -> Content:
    """Return all that may hold a secret."""
    return [*([getattr(log, name)] for name in _TEXTS_OF_LOG), sdk_records.attributes_of(log)]


def changes_of_log(cleaned: Cleaned) -> dict[str, Any]:
    """Return the fields of a log record that may be other ones now; raises as `changes_of_span`."""
    *texts, attributes = cleaned.new
    return {"attributes": _attributes(attributes)} | {
        name: text for name, (text,) in zip(_TEXTS_OF_LOG, texts, strict=True)
    }


# What both share


def _attributes(redacted: object) -> dict[str, AnyValue]:
    if not isinstance(redacted, dict):
        raise TypeError("attributes could not be redacted one by one")
    return redacted


def state_of(context: SpanContext | None) -> dict[str, AnyValue]:
    """Return the entries of a trace state."""
    return dict(context.trace_state) if context is not None and context.trace_state else {}


def with_entries(context: Any, old: dict[str, AnyValue], new: dict[str, AnyValue]) -> Any:
    """Return a span context with the entries `new` in the place of `old`; the same where they are the same.

    A key that changed no longer has the W3C's form: its entry is left out.
    """
    if new is old:
        return context
    kept = [(key, str(value)) for key, value in _attributes(new).items() if key in old]
    return sdk_records.with_state(context, TraceState(kept))
