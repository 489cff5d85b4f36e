"""Sends canaries through the application's own Sentry client."""

from sentry_filters.testing.sentry.check import SentryCheck
from sentry_filters.testing.sentry.stand_in import SentryRehearsal

__all__ = ["SentryCheck", "SentryRehearsal"]
