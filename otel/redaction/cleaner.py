"""Everything of a span or log record that leaves the process, without secrets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_
from typing import TypeVar, cast

from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext
from opentelemetry.util.types import AnyValue

from sentry_filters import Redactor

from . import sdk_records
from .contents import (
    CLEAN,
    AnyRecord,
    Cleaned,
    Content,
    changes_of_log,
    changes_of_span,
    content_of_log,
    content_of_span,
    look_at_log,
    look_at_span,
    state_of,
    with_entries,
)
from .known_clean import KnownClean, Look, Remembered

_Value = TypeVar("_Value")
Origin = tuple[Resource | None, InstrumentationScope | None]
# An account of what was redacted ends there.
_MOST_FINDINGS = 1000


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
        self._latest_origin: tuple[Origin, int, Origin] = ((None, None), -1, (None, None))
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
        if not attributes or all(self._known.which_are_clean([Look([attributes], [])])):
            return attributes
        redacted = self.value(attributes)
        if not isinstance(redacted, dict):
            raise TypeError("attributes could not be redacted one by one")
        return redacted

    # What spans and log records say

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """Return a span without secrets."""
        return self.read_span(span, self.look_at_spans((span,))[0])

    def record(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord:
        """Return a log record without secrets."""
        return self.read_record(record, self.look_at_records((record,))[0])

    def are_clean_spans(self, spans: Sequence[ReadableSpan]) -> bool:
        """Say whether there is certainly nothing to redact, by one look at all of the spans."""
        return all(map(self._has_clean_origin, spans)) and all(
            self._known.which_are_clean(list(map(look_at_span, spans)))
        )

    def are_clean_records(self, records: Sequence[AnyRecord]) -> bool:
        """As `are_clean_spans`."""
        return all(map(self._has_clean_origin, records)) and all(
            self._known.which_are_clean([look_at_log(one.log_record) for one in records])
        )

    def look_at_spans(self, spans: Sequence[ReadableSpan]) -> list[Cleaned]:
        """Return what `read_span` needs of each; what holds secrets is redacted, in one go."""
        return self._cleaned(spans, list(map(look_at_span, spans)), content_of_span)

    def look_at_records(self, records: Sequence[AnyRecord]) -> list[Cleaned]:
        """As `look_at_spans`, for `read_record`."""
        logs = [one.log_record for one in records]
        return self._cleaned(logs, list(map(look_at_log, logs)), content_of_log)

    def read_span(self, span: ReadableSpan, cleaned: Cleaned) -> ReadableSpan:
        """Return a span without secrets, and count them."""
        changes = {} if cleaned.is_clean else changes_of_span(span, cleaned)
        resource, scope = self.origin(span)
        if changes or resource is not span.resource or scope is not span.instrumentation_scope:
            span = sdk_records.rebuilt_span(span, **changes, resource=resource, instrumentation_scope=scope)
        self._count(cleaned)
        return span

    def read_record(self, record: ReadWriteLogRecord, cleaned: Cleaned) -> ReadWriteLogRecord:
        """As `read_span`."""
        changes = {} if cleaned.is_clean else changes_of_log(cleaned)
        resource, scope = self.origin(record)
        if changes or resource is not record.resource or scope is not record.instrumentation_scope:
            record = sdk_records.rebuilt_record(
                record, **changes, resource=resource, instrumentation_scope=scope
            )
        self._count(cleaned)
        return record

    def _cleaned(
        self, items: Sequence[_Value], looks: list[Look], content_of: Callable[[_Value], Content]
    ) -> list[Cleaned]:
        clean = self._known.which_are_clean(looks)
        contents = [content_of(item) for item, is_clean in zip(items, clean, strict=True) if not is_clean]
        redacted = iter(self._redacted(contents) if contents else ())
        return [CLEAN if is_clean else next(redacted) for is_clean in clean]

    def _redacted(self, contents: list[Content]) -> list[Cleaned]:
        scrubbed = self._redactor.scrub(contents)
        if not isinstance(scrubbed.value, list):
            raise TypeError("contents could not be redacted one by one")
        if len(contents) > 1 and len(scrubbed.findings) >= _MOST_FINDINGS:
            return [cleaned for content in contents for cleaned in self._redacted([content])]
        kinds: list[list[str]] = [[] for _ in contents]
        for finding in scrubbed.findings:
            kinds[cast("int", finding.path[0])].append(finding.kind)
        return list(map(Cleaned, contents, scrubbed.value, kinds))

    def _count(self, cleaned: Cleaned) -> None:
        for kind in cleaned.kinds:
            self._found(kind)

    # Where they are from, which many share

    def origin(self, item: ReadableSpan | AnyRecord) -> Origin:
        """Return an item's resource and scope without secrets."""
        before = (item.resource, item.instrumentation_scope)
        generation = self._redactor.generation
        known, when, origin = self._latest_origin
        if known[0] is not before[0] or known[1] is not before[1] or when != generation:
            resource, scope = before
            origin = (
                None if resource is None else self.resource(resource),
                None if scope is None else self.scope(scope),
            )
            self._latest_origin = (before, generation, origin)
        return origin

    def _has_clean_origin(self, item: ReadableSpan | AnyRecord) -> bool:
        resource, scope = self.origin(item)
        return resource is item.resource and scope is item.instrumentation_scope

    def _text_or_value(self, value: _Value) -> _Value:
        if value is None or (isinstance(value, str) and self._redactor.redact(value) is value):
            return value
        return self.value(value)

    # What all signals share

    def context(self, context: SpanContext | None) -> SpanContext | None:
        """Return a span context whose trace state holds no secrets; the ids stay."""
        if context is None or not context.trace_state:
            return context
        old = state_of(context)
        redacted: SpanContext = with_entries(context, old, self.attributes(old))
        return redacted

    def _resource(self, resource: Resource) -> Resource:
        old = (sdk_records.attributes_of(resource), resource.schema_url)
        new = (self.attributes(old[0]), self._text_or_value(old[1]))
        return resource if all(map(is_, old, new)) else Resource(*new)

    def _scope(self, scope: InstrumentationScope) -> InstrumentationScope:
        old = (scope.name, scope.version, scope.schema_url, sdk_records.attributes_of(scope))
        name, version, schema_url = (self._text_or_value(text) for text in old[:3])
        new = (cast("str", name), version, schema_url, self.attributes(old[3]))
        return scope if all(map(is_, old, new)) else InstrumentationScope(*new)
