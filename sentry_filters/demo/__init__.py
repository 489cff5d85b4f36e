"""The main job, shown: a real 401 storm on local servers, without the filter and with it."""

from sentry_filters.demo.comparison import Comparison, DemoError, compared
from sentry_filters.demo.outcome import Outcome
from sentry_filters.demo.receiver import ReceivedItem, SentryReceiver, items_of
from sentry_filters.demo.servers import LocalServer, QuietHandler

__all__ = [
    "Comparison",
    "DemoError",
    "LocalServer",
    "Outcome",
    "QuietHandler",
    "ReceivedItem",
    "SentryReceiver",
    "compared",
    "items_of",
]
