"""Keeps an expired LLM backend session out of Sentry and OpenTelemetry, and secrets out of what leaves."""

from sentry_filters.audit import Ledger
from sentry_filters.bus import EventBus, Handler, Subscription
from sentry_filters.counters import Counters
from sentry_filters.decision import Decision
from sentry_filters.failure import Failure, Response
from sentry_filters.gate import SchedulerGate
from sentry_filters.guard import SessionGuard
from sentry_filters.hosts import Endpoint
from sentry_filters.policy import Policy
from sentry_filters.recognition import Verdict, recognise
from sentry_filters.records import AuditRecord, DecisionRecord, ExpiryRecord, RenewalRecord
from sentry_filters.redaction import Redactor
from sentry_filters.session import SessionExpired, SessionExpiredError

__all__ = [
    "AuditRecord",
    "Counters",
    "Decision",
    "DecisionRecord",
    "Endpoint",
    "EventBus",
    "ExpiryRecord",
    "Failure",
    "Handler",
    "Ledger",
    "Policy",
    "Redactor",
    "RenewalRecord",
    "Response",
    "SchedulerGate",
    "SessionExpired",
    "SessionExpiredError",
    "SessionGuard",
    "Subscription",
    "Verdict",
    "recognise",
]
