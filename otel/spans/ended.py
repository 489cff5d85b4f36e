"""A span that has ended, as verdicts read it."""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext, SpanKind, StatusCode
from opentelemetry.util.types import AnyValue

from sentry_filters import Failure
from sentry_filters.evidence import conventions

from ..evidence import CallFacts, facts_of
from ..redaction import sdk_records


@dataclass(frozen=True, slots=True)
class EndedSpan:
    """A span that ended, and what it says of itself.

    Args:
        span: The SDK's own object.
        attributes: A copy of its attributes.
        facts: What these say about a call.
        context: Its ids, invalid ones where it has none.
        parent_id: Of a parent in this process, None where it is a local root.
        failed: Whether its status is ERROR.
    """

    span: ReadableSpan
    attributes: dict[str, AnyValue]
    facts: CallFacts
    context: SpanContext
    parent_id: int | None
    failed: bool

    @property
    def trace_id(self) -> str:
        """Trace id, as 32 hex digits."""
        return f"{self.context.trace_id:032x}"

    @property
    def succeeded(self) -> bool:
        """Whether it is a call that did not fail."""
        status = self.facts.status
        return (
            self.facts.is_call and not self.failed and (status is None or status < conventions.FIRST_FAILURE)
        )

    @property
    def started_at(self) -> float | None:
        """When it started, in seconds since the epoch."""
        return seconds(self.span.start_time)

    @property
    def ended_at(self) -> float | None:
        """When it ended, in seconds since the epoch."""
        return seconds(self.span.end_time)

    def lasted(self, at: float) -> bool:
        """Say whether it had started and not ended at this moment, in seconds since the epoch."""
        began, ended = self.started_at, self.ended_at
        return began is not None and ended is not None and began <= at <= ended


@dataclass(slots=True, eq=False)
class Held:
    """A span that waits.

    Args:
        ended: The span.
        failure: Of a call that may be our expired session; None for what waits beside one.
        healed: Whether its client renewed the session by itself, and the call succeeded.
        is_uncertain: Whether it is not of a call about which all is known that has to be.
    """

    ended: EndedSpan
    failure: Failure | None = None
    healed: bool = False
    is_uncertain: bool = True


def ended_span(span: ReadableSpan, domains: frozenset[str]) -> EndedSpan:
    """Read a span that has ended.

    Args:
        span: The span.
        domains: `Policy.domain` of every backend.
    """
    attributes, parent = sdk_records.attributes_of(span), span.parent
    return EndedSpan(
        span=span,
        attributes=attributes,
        facts=facts_of(attributes, span.kind, domains),
        context=span.context or INVALID_SPAN_CONTEXT,
        parent_id=None if parent is None or parent.is_remote else parent.span_id,
        failed=span.status.status_code is StatusCode.ERROR,
    )


def unread_span(span: ReadableSpan) -> EndedSpan:
    """Return a span that cannot be read as one that says nothing."""
    return EndedSpan(
        span, {}, facts_of({}, SpanKind.INTERNAL, frozenset()), INVALID_SPAN_CONTEXT, None, failed=False
    )


def seconds(nanoseconds: int | None) -> float | None:
    """Return a time of the SDK in seconds since the epoch."""
    return None if nanoseconds is None else nanoseconds / 1e9
