"""Facts about one failed call: standard library only."""

from sentry_filters.evidence import conventions
from sentry_filters.evidence.body_codes import codes_of, codes_of_text, text_if_read
from sentry_filters.evidence.causes import FailuresOf, Recorded, failures_of
from sentry_filters.evidence.credential import Fingerprinter, token_of
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
from sentry_filters.evidence.span_memory import SpanMemory
from sentry_filters.evidence.wire_text import Statement, statements_in

__all__ = [
    "Endpoint",
    "Failure",
    "FailuresOf",
    "Fingerprinter",
    "Recorded",
    "Response",
    "SpanMemory",
    "Statement",
    "canonical_host",
    "codes_of",
    "codes_of_text",
    "conventions",
    "endpoint_of_url",
    "failure_of_tags",
    "failures_of",
    "parse_endpoint",
    "path_of_url",
    "serves",
    "stated_tags",
    "statements_in",
    "status_number",
    "tags_of",
    "text_if_read",
    "token_of",
]
