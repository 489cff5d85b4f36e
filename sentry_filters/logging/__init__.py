"""Removes secrets from what is logged: a filter for the standard library, a processor for structlog."""

from __future__ import annotations

from sentry_filters.logging.standard import RedactingFilter
from sentry_filters.logging.structlog import redact_processor

__all__ = ["RedactingFilter", "redact_processor"]
