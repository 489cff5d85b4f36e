"""Secrets in text."""

from sentry_filters.redaction.text.credentials import LiveCredentials, Origin
from sentry_filters.redaction.text.headers import cookie_parts, credential_start
from sentry_filters.redaction.text.patterns import BOUNDARY
from sentry_filters.redaction.text.plausible import is_placeholder, is_plain, is_secret
from sentry_filters.redaction.text.ranges import Range, replaced
from sentry_filters.redaction.text.scanner import TextScanner

__all__ = [
    "BOUNDARY",
    "LiveCredentials",
    "Origin",
    "Range",
    "TextScanner",
    "cookie_parts",
    "credential_start",
    "is_placeholder",
    "is_plain",
    "is_secret",
    "replaced",
]
