"""What spans and log records say about a failed call."""

from .attributes import CallFacts, facts_of, may_tell_a_failure
from .errors import ErrorText, is_of
from .lineage import Below, Lineage
from .span_errors import error_of, errors, texts

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
