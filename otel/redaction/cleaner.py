"""Everything of a span or log record that leaves the process, without secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import is_
from typing import Any, TypeVar, cast

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, TraceState
from opentelemetry.util.types import AnyValue

from sentry_filters import Redactor

from . import sdk_records
from .accounts import unless_same
from .known_clean import KnownClean, Look, Remembered

_Value = TypeVar("_Value")
_TEXTS_OF_RECORD = ("body", "event_name", "severity_text")


def _uncounted(kind: str) -> None:
    """Nobody counts what a plain redacting exporter removes."""


class Cleaner:
    """Redacts spans and log records. What holds no secret comes back as the identical object.

    Nothing given to it is changed. It raises where the redactor does, or where a record is not what the SDK
    makes: its callers withhold the record then. Thread-safe.

    Args:
        redactor: Finds and replaces secrets.
        found: Called with the kind of every secret that was replaced.
    """

    def __init__(self, redactor: Redactor, found: Callable[[str], None] = _uncounted) -> None:
        self._redactor = redactor
        self._found = found
        self._known = KnownClean(redactor)
        self._clean_origin: tuple[Resource | None, InstrumentationScope | None, int] = (None, None, -1)
        self.resource = Remembered(self._resource, lambda: redactor.generation)
        self.scope = Remembered(self._scope, lambda: redactor.generation)

    # Values

    def value(self, value: _Value) -> _Value:
        """Return any attribute value, body or text without secrets."""
        scrubbed = self._redactor.scrub(value)
        for finding in scrubbed.findings:
            self._found(finding.kind)
        return cast("_Value", scrubbed.value)

    def attributes(self, attributes: dict[str, AnyValue]) -> dict[str, AnyValue]:
        """Return attributes without secrets in keys and values."""
        if not attributes or self._known.are_clean(Look([attributes], [])):
            return attributes
        redacted = self.value(attributes)
        if not isinstance(redacted, dict):
            raise TypeError("attributes could not be redacted one by one")
        return redacted

    # Spans

    def span(self, span: ReadableSpan, attributes: dict[str, AnyValue] | None = None) -> ReadableSpan:
        """Return a span without secrets.

        Args:
            span: The span.
            attributes: A copy of its attributes, where the caller has one already.
        """
        if self.have_clean_content((span,)):
            return self.with_clean_origin(span)
        if attributes is None:
            attributes = sdk_records.attributes_of(span)
        scope, events, links = span.instrumentation_scope, span.events, span.links
        changes = {
            "name": self.value(span.name),
            "context": self.context(span.context),
            "parent": self.context(span.parent),
            "resource": self.resource(span.resource),
            "attributes": self.attributes(attributes),
            "events": unless_same(events, tuple(map(self._event, events))),
            "links": unless_same(links, tuple(map(self._link, links))),
            "status": self._status(span.status),
            "instrumentation_scope": None if scope is None else self.scope(scope),
        }
        before = {"attributes": attributes, "events": events, "links": links}
        if all(value is before.get(name, getattr(span, name)) for name, value in changes.items()):
            return span
        return sdk_records.rebuilt_span(span, **changes)

    def with_clean_origin(self, span: ReadableSpan) -> ReadableSpan:
        """Return a span whose resource and scope, which many spans share, hold no secrets."""
        resource, scope = span.resource, span.instrumentation_scope
        if self._has_clean_origin(resource, scope):
            return span
        return sdk_records.rebuilt_span(
            span,
            resource=self.resource(resource),
            instrumentation_scope=None if scope is None else self.scope(scope),
        )

    def are_clean_spans(self, spans: Sequence[ReadableSpan]) -> bool:
        """Say whether there is certainly nothing to redact, by one look at all of the spans."""
        return all(
            self._has_clean_origin(span.resource, span.instrumentation_scope) for span in spans
        ) and self.have_clean_content(spans)

    def have_clean_content(self, spans: Iterable[ReadableSpan]) -> bool:
        """As `are_clean_spans`, wherever they are from."""
        look = Look([], [])
        for span in spans:
            self._look_at_span(look, span)
        return self._known.are_clean(look)

    def _look_at_span(self, look: Look, span: ReadableSpan) -> None:
        look.attributes.append(sdk_records.glance_at(span))
        look.values.append(span.name)
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
            look.attributes += [_state_of(one) for one in contexts if one is not None and one.trace_state]

    def _has_clean_origin(self, resource: Resource | None, scope: InstrumentationScope | None) -> bool:
        known = self._clean_origin
        generation = self._redactor.generation
        if known[0] is not resource or known[1] is not scope or known[2] != generation:
            if (resource is not None and self.resource(resource) is not resource) or (
                scope is not None and self.scope(scope) is not scope
            ):
                return False
            self._clean_origin = (resource, scope, generation)
        return True

    def _event(self, event: Event) -> Event:
        old = sdk_records.attributes_of(event)
        name, attributes = self.value(event.name), self.attributes(old)
        if name is event.name and attributes is old:
            return event
        return sdk_records.rebuilt_event(event, name, attributes)

    def _link(self, link: Link) -> Link:
        old = sdk_records.attributes_of(link)
        context, attributes = self.context(link.context), self.attributes(old)
        if context is link.context and attributes is old:
            return link
        return sdk_records.rebuilt_link(link, cast("SpanContext", context), attributes)

    def _status(self, status: Status) -> Status:
        description = status.description
        if not description:
            return status
        redacted = self.value(description)
        return status if redacted is description else Status(status.status_code, redacted)

    # Log records

    def record(
        self, record: ReadWriteLogRecord, attributes: dict[str, AnyValue] | None = None
    ) -> ReadWriteLogRecord:
        """Return a log record without secrets; `attributes` as for `span`."""
        log = record.log_record
        if self.are_clean_records((record,)):
            return record
        if attributes is None:
            attributes = sdk_records.attributes_of(log)
        scope, resource = record.instrumentation_scope, record.resource
        old: dict[str, Any] = {"attributes": attributes, "resource": resource, "instrumentation_scope": scope}
        old.update((name, getattr(log, name)) for name in _TEXTS_OF_RECORD)
        changes = {name: self._text_or_value(old[name]) for name in _TEXTS_OF_RECORD}
        changes["attributes"] = self.attributes(attributes)
        changes["resource"] = None if resource is None else self.resource(resource)
        changes["instrumentation_scope"] = None if scope is None else self.scope(scope)
        if all(changes[name] is old[name] for name in changes):
            return record
        return sdk_records.rebuilt_record(record, **changes)

    def are_clean_records(self, records: Sequence[ReadableLogRecord | ReadWriteLogRecord]) -> bool:
        """As `are_clean_spans`."""
        return all(
            self._has_clean_origin(one.resource, one.instrumentation_scope) for one in records
        ) and self.have_clean_logs(one.log_record for one in records)

    def have_clean_logs(self, logs: Iterable[LogRecord]) -> bool:
        """As `are_clean_records`, wherever they are from."""
        look = Look([], [])
        for log in logs:
            look.attributes.append(sdk_records.attributes_of(log))
            look.values += [text for text in (log.body, log.event_name, log.severity_text) if text]
        return self._known.are_clean(look)

    def _text_or_value(self, value: _Value) -> _Value:
        if value is None or (isinstance(value, str) and self._redactor.redact(value) is value):
            return value
        return self.value(value)

    # What all signals share

    def context(self, context: SpanContext | None) -> SpanContext | None:
        """Return a span context whose trace state holds no secrets; the ids stay."""
        if context is None or not context.trace_state:
            return context
        old = _state_of(context)
        state = self.attributes(old)
        if state is old:
            return context
        # A key that changed no longer has the W3C's form: its entry is left out.
        kept = [(key, str(value)) for key, value in state.items() if key in old]
        return sdk_records.with_state(context, TraceState(kept))

    def _resource(self, resource: Resource) -> Resource:
        old = (sdk_records.attributes_of(resource), resource.schema_url)
        new = (self.attributes(old[0]), self._text_or_value(old[1]))
        return resource if all(map(is_, old, new)) else Resource(*new)

    def _scope(self, scope: InstrumentationScope) -> InstrumentationScope:
        old = (scope.name, scope.version, scope.schema_url, sdk_records.attributes_of(scope))
        name, version, schema_url = (self._text_or_value(text) for text in old[:3])
        new = (cast("str", name), version, schema_url, self.attributes(old[3]))
        return scope if all(map(is_, old, new)) else InstrumentationScope(*new)


def _state_of(context: SpanContext) -> dict[str, AnyValue]:
    return dict(context.trace_state) if context.trace_state else {}
