"""What spans and log records say about a failed call."""

from otel.evidence.attributes import CallFacts, facts_of, may_tell_a_failure
from otel.evidence.errors import ErrorText, is_of
from otel.evidence.lineage import Below, Lineage
from otel.evidence.span_errors import error_of, errors, texts

__all__ = [
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
