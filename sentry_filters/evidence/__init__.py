"""Facts about one failed call: standard library only."""

from sentry_filters.evidence import conventions
from sentry_filters.evidence.attributes import attribute, headers_of, text_of
from sentry_filters.evidence.body_codes import (
    LONGEST_BODY,
    Body,
    body_if_read,
    body_of_text,
    body_of_value,
    fold,
    holds_json,
    text_if_read,
)
from sentry_filters.evidence.causes import FailuresOf, failures_of
from sentry_filters.evidence.credential import Credentials, Fingerprinter, expires_at, token_of
from sentry_filters.evidence.exchange import Reading, Recorded, answered_by_backend, exchange_of, with_body
from sentry_filters.evidence.failure import (
    Failure,
    Response,
    failure_of_tags,
    stated_tags,
    status_number,
    tags_of,
)
from sentry_filters.evidence.hosts import (
    Endpoint,
    canonical_host,
    endpoint_of_url,
    parse_endpoint,
    path_of_url,
    serves,
)
from sentry_filters.evidence.quoted import LEAST_TELLING, states_failure, tells_of_two, without
from sentry_filters.evidence.span_memory import SpanMemory
from sentry_filters.evidence.wire_text import Statement, is_nothing_else, labels_in, may_state, statements_in

__all__ = [
    "LEAST_TELLING",
    "LONGEST_BODY",
    "Body",
    "Credentials",
    "Endpoint",
    "Failure",
    "FailuresOf",
    "Fingerprinter",
    "Reading",
    "Recorded",
    "Response",
    "SpanMemory",
    "Statement",
    "answered_by_backend",
    "attribute",
    "body_if_read",
    "body_of_text",
    "body_of_value",
    "canonical_host",
    "conventions",
    "endpoint_of_url",
    "exchange_of",
    "expires_at",
    "failure_of_tags",
    "failures_of",
    "fold",
    "headers_of",
    "holds_json",
    "is_nothing_else",
    "labels_in",
    "may_state",
    "parse_endpoint",
    "path_of_url",
    "serves",
    "stated_tags",
    "statements_in",
    "states_failure",
    "status_number",
    "tags_of",
    "tells_of_two",
    "text_if_read",
    "text_of",
    "token_of",
    "with_body",
    "without",
]
