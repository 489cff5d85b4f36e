"""What spans and log records say about a failed call."""

from .attributes import CallFacts, facts_of, may_state_a_failure
from .bodies import body_in
from .errors import (
    ErrorText,
    error_messages_of,
    error_of,
    errors_of,
    is_refusal,
    leads_to,
    matches,
    may_be_about,
    messages_of,
)
from .lineage import NOTHING_FAILED, ChildFailure, lineage_of

__all__ = [
    "NOTHING_FAILED",
    "CallFacts",
    "ChildFailure",
    "ErrorText",
    "body_in",
    "error_messages_of",
    "error_of",
    "errors_of",
    "facts_of",
    "is_refusal",
    "leads_to",
    "lineage_of",
    "matches",
    "may_be_about",
    "may_state_a_failure",
    "messages_of",
]
