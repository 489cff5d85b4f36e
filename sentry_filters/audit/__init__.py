"""The audit: every decision in an embedded ledger, so that every silence can be accounted for."""

from sentry_filters.audit.ledger import Ledger

__all__ = ["Ledger"]
