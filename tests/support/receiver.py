"""A local receiver of Sentry's protocol: the demo's own."""

from sentry_filters.demo import ReceivedItem, SentryReceiver, items_of

__all__ = ["ReceivedItem", "SentryReceiver", "items_of"]
