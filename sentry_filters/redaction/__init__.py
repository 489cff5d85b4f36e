"""Removes secrets from whatever is about to leave the process."""

from __future__ import annotations

from sentry_filters.redaction.catalogue import Kind
from sentry_filters.redaction.findings import REDACTED, WITHHELD, Finding, Scrubbed
from sentry_filters.redaction.redactor import Redactor
from sentry_filters.redaction.structure import DOUBT, Look

__all__ = ["DOUBT", "REDACTED", "WITHHELD", "Finding", "Kind", "Look", "Redactor", "Scrubbed"]
