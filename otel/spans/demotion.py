"""A span without the marks of an expired session: its exception events and its ERROR status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status, StatusCode
from opentelemetry.util.types import AnyValue

from sentry_filters import Failure, Policy, SessionExpiredError
from sentry_filters.core import Backends
from sentry_filters.evidence import conventions

from .. import telemetry
from ..evidence import ChildFailure, ErrorText, error_of, is_refusal, matches
from ..redaction import sdk_records
from .ended import EndedSpan

_UNSET = Status(StatusCode.UNSET)


def demoted(
    span: ReadableSpan,
    attributes: dict[str, AnyValue],
    child: ChildFailure,
    policy: Policy,
    *,
    everything: bool = False,
) -> ReadableSpan | None:
    """Return the span with one `session.expired` event for this failure's marks, None where it has none.

    Args:
        span: It has ended.
        attributes: A copy of its attributes.
        child: The failure, and what else failed below.
        policy: Names the provider.
        everything: Whether the span is of the failed call itself: all that it says about errors is this
            failure's, and it gets the event even where it says nothing.
    """
    if child.failure is None:
        return None
    ours, clears = _marks(span, attributes, child, everything=everything)
    if not (ours or clears or everything):
        return None
    at = ours[0].timestamp if ours else span.end_time
    expired = Event(telemetry.SESSION_EXPIRED, telemetry.of_failure(child.failure, policy), at)
    return sdk_records.rebuilt_span(
        span,
        attributes=dict(attributes),
        events=_replaced(ours, span.events, expired),
        status=_UNSET if clears else span.status,
    )


def without_refusal(ended: EndedSpan, backends: Backends) -> ReadableSpan | None:
    """Return the span without the error of work that the gate refused to start, None where it has another."""
    span = ended.span
    refusals = [event for event in span.events if event.name == conventions.EXCEPTION_EVENT]
    if refusals:
        if not all(is_refusal(event.attributes) for event in refusals):
            return None
    elif not is_refusal(ended.attributes) and not _describes_refusal(span.status.description, backends):
        return None
    expired = Event(telemetry.SESSION_EXPIRED, _of_refusal(ended, refusals, backends), span.end_time)
    return sdk_records.rebuilt_span(
        span,
        attributes=dict(ended.attributes),
        events=_replaced(refusals, span.events, expired),
        status=_UNSET,
    )


def _describes_refusal(description: str | None, backends: Backends) -> bool:
    """Say whether a status is of a refusal, as the SDK writes it where exceptions are log records."""
    begins = f"{SessionExpiredError.__name__}: "
    return (
        description is not None
        and description.startswith(begins)
        and _refusing(description.removeprefix(begins), backends) is not None
    )


def _of_refusal(ended: EndedSpan, refusals: Iterable[Event], backends: Backends) -> dict[str, AnyValue]:
    """Return the attributes of the event of a refusal; of several backends, the one that its text names."""
    described = (ended.span.status.description or "").removeprefix(f"{SessionExpiredError.__name__}: ")
    texts = (described, *(error_of(event.attributes).message for event in refusals))
    policy = backends.only or next(filter(None, (_refusing(text, backends) for text in texts)), None)
    return {} if policy is None else telemetry.of_failure(Failure(), policy)


def _refusing(text: str, backends: Backends) -> Policy | None:
    """Return the policy of the backend whose refusal's text this is."""
    return next(
        (one for one in backends.policies if text.startswith(f"the {one.provider} session has expired")), None
    )


def _marks(
    span: ReadableSpan, attributes: dict[str, AnyValue], child: ChildFailure, *, everything: bool
) -> tuple[list[Event], bool]:
    """Return the exception events that are this failure's, and whether the ERROR status is too."""
    copies = [event for event in span.events if event.name == conventions.EXCEPTION_EVENT]
    ours = copies if everything else [one for one in copies if matches(error_of(one.attributes), child)]
    if span.status.status_code is not StatusCode.ERROR:
        return ours, False
    return ours, everything or _status_matches(span, attributes, child, copies, ours)


def _status_matches(
    span: ReadableSpan,
    attributes: dict[str, AnyValue],
    child: ChildFailure,
    copies: Sequence[Event],
    ours: Sequence[Event],
) -> bool:
    description = span.status.description
    if description:
        messages = (error_of(event.attributes).message for event in ours)
        return matches(ErrorText(description), child) or any(one and one in description for one in messages)
    if copies:
        return len(ours) == len(copies)
    # A bare ERROR: the failure's where nothing else can have made it.
    return not child.other_failed and all(name not in attributes for name in conventions.HTTP_STATUS)


def _replaced(ours: Sequence[Event], events: Iterable[Event], expired: Event) -> tuple[Event, ...]:
    """Return the events with `expired` in the place of `ours`: of the first of them, or at the end."""
    if not ours:
        return (*events, expired)
    first, replaced = ours[0], {id(event) for event in ours}
    kept = (event for event in events if event is first or id(event) not in replaced)
    return tuple(expired if event is first else event for event in kept)
