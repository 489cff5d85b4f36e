"""What spans and log records say about a failed call."""

from .attributes import CallFacts, facts_of, may_state_a_failure
from .errors import ErrorText, error_messages_of, error_of, errors_of, matches
from .lineage import NOTHING_FAILED, ChildFailure, lineage_of

__all__ = [
    "NOTHING_FAILED",
    "CallFacts",
    "ChildFailure",
    "ErrorText",
    "error_messages_of",
    "error_of",
    "errors_of",
    "facts_of",
    "lineage_of",
    "matches",
    "may_state_a_failure",
]
