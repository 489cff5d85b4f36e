"""The Sentry edge: hooks, options, transport and the envelope boundary."""

from sentry_filters.sentry.before_send import Hook, SentryHooks
from sentry_filters.sentry.boundary import Boundary
from sentry_filters.sentry.client import current_release, current_spans
from sentry_filters.sentry.copies import NeverCopied, name_parts
from sentry_filters.sentry.evidence import failures_of_event, failures_of_telemetry
from sentry_filters.sentry.explaining import EventExplainer
from sentry_filters.sentry.integration import GuardIntegration
from sentry_filters.sentry.options import composed_options, with_dsn, with_options_of
from sentry_filters.sentry.report import Reporter
from sentry_filters.sentry.signals import SentrySignals
from sentry_filters.sentry.spans import SpanFilter
from sentry_filters.sentry.spotlight import SpotlightBehindTransport
from sentry_filters.sentry.transport import GuardedTransport

__all__ = [
    "Boundary",
    "EventExplainer",
    "GuardIntegration",
    "GuardedTransport",
    "Hook",
    "NeverCopied",
    "Reporter",
    "SentryHooks",
    "SentrySignals",
    "SpanFilter",
    "SpotlightBehindTransport",
    "composed_options",
    "current_release",
    "current_spans",
    "failures_of_event",
    "failures_of_telemetry",
    "name_parts",
    "with_dsn",
    "with_options_of",
]
