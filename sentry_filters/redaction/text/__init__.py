"""Secrets in text."""

from sentry_filters.redaction.text.credentials import LiveCredentials
from sentry_filters.redaction.text.headers import cookie_pieces, credential_start
from sentry_filters.redaction.text.patterns import BOUNDARY
from sentry_filters.redaction.text.plausible import goes, is_placeholder, is_plain, is_version
from sentry_filters.redaction.text.ranges import Span
from sentry_filters.redaction.text.scanner import TextPass

__all__ = [
    "BOUNDARY",
    "LiveCredentials",
    "Span",
    "TextPass",
    "cookie_pieces",
    "credential_start",
    "goes",
    "is_placeholder",
    "is_plain",
    "is_version",
]
