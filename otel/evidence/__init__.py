"""What spans and log records say about a failed call."""

from .attributes import CallFacts, facts_of, may_tell_a_failure
from .errors import ErrorText, error_of, errors, is_of, texts
from .lineage import Below, Lineage

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
