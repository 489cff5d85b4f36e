"""Removes secrets from whatever is about to leave the process."""

from __future__ import annotations

from sentry_filters.redaction.catalogue import Kind
from sentry_filters.redaction.findings import REDACTED, WITHHELD, Finding, Scrubbed
from sentry_filters.redaction.redactor import Redactor

__all__ = ["REDACTED", "WITHHELD", "Finding", "Kind", "Redactor", "Scrubbed"]
