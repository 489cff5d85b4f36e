"""The errors that a span carries, as texts."""

from __future__ import annotations

from opentelemetry.sdk.trace import Event, ReadableSpan

from sentry_filters.evidence import conventions

from .errors import ErrorText


def errors(span: ReadableSpan) -> list[ErrorText]:
    """Return the errors that a span carries: its exception events, else its status."""
    found = [error_of(event) for event in span.events if event.name == conventions.EXCEPTION_EVENT]
    if not found and span.status.description:
        found = [ErrorText(span.status.description)]
    return found


def error_of(event: Event) -> ErrorText:
    """Return the error that an exception event carries."""
    attributes = event.attributes or {}
    return ErrorText(
        str(attributes.get(conventions.EXCEPTION_MESSAGE) or ""),
        str(attributes.get(conventions.EXCEPTION_STACKTRACE) or ""),
    )


def texts(span: ReadableSpan) -> frozenset[str]:
    """Return the messages of the errors that a span carries."""
    return frozenset(error.message for error in errors(span) if error.message)
