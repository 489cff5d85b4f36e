"""Facts about one failed call: standard library only."""

from sentry_filters.evidence import conventions
from sentry_filters.evidence.body_codes import codes_of, codes_of_text, text_if_read
from sentry_filters.evidence.causes import Cause, causes_of
from sentry_filters.evidence.credential import Fingerprinter, token_of
from sentry_filters.evidence.failure import Failure, Response, failure_of_tags, status_number, tags_of
from sentry_filters.evidence.hosts import (
    Endpoint,
    canonical_host,
    endpoint_of_url,
    parse_endpoint,
    path_of_url,
    serves,
)
from sentry_filters.evidence.span_memory import SpanMemory
from sentry_filters.evidence.wire_text import Mention, mentions

__all__ = [
    "Cause",
    "Endpoint",
    "Failure",
    "Fingerprinter",
    "Mention",
    "Response",
    "SpanMemory",
    "canonical_host",
    "causes_of",
    "codes_of",
    "codes_of_text",
    "conventions",
    "endpoint_of_url",
    "failure_of_tags",
    "mentions",
    "parse_endpoint",
    "path_of_url",
    "serves",
    "status_number",
    "tags_of",
    "text_if_read",
    "token_of",
]
