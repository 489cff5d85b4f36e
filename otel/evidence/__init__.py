"""What spans and log records say about a failed call."""

from otel.evidence.attributes import (
    ERROR_TYPE,
    EXCEPTION_EVENT,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    HTTP_STATUS,
    CallFacts,
    facts_of,
    may_tell_a_failure,
)
from otel.evidence.errors import ErrorText, is_of
from otel.evidence.lineage import Below, Lineage
from otel.evidence.span_errors import error_of, errors, texts

__all__ = [
    "ERROR_TYPE",
    "EXCEPTION_EVENT",
    "EXCEPTION_MESSAGE",
    "EXCEPTION_STACKTRACE",
    "EXCEPTION_TYPE",
    "HTTP_STATUS",
    "Below",
    "CallFacts",
    "ErrorText",
    "Lineage",
    "error_of",
    "errors",
    "facts_of",
    "is_of",
    "may_tell_a_failure",
    "texts",
]
