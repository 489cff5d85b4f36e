"""Policy, recognition, the session's life, gate, bus, decision, counters, records: knows no SDK."""

from sentry_filters.core.bus import EventBus, Handler, Subscription
from sentry_filters.core.counters import LABELS, Counters
from sentry_filters.core.decision import Decider, Decision
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.lifecycle import Adopter, SharedSessions
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import UNRELATED, Verdict, operation_of, recognise
from sentry_filters.core.records import (
    AuditObserver,
    AuditRecord,
    DecisionRecord,
    ExpiryRecord,
    RenewalRecord,
)
from sentry_filters.core.series import declare_series
from sentry_filters.core.session import Observed, SessionExpired, SessionExpiredError, Sessions
from sentry_filters.core.work import SessionOf

__all__ = [
    "LABELS",
    "UNRELATED",
    "Adopter",
    "AuditObserver",
    "AuditRecord",
    "Counters",
    "Decider",
    "Decision",
    "DecisionRecord",
    "EventBus",
    "ExpiryRecord",
    "Handler",
    "Observed",
    "Policy",
    "RenewalRecord",
    "SchedulerGate",
    "SessionExpired",
    "SessionExpiredError",
    "SessionOf",
    "Sessions",
    "SharedSessions",
    "Subscription",
    "Verdict",
    "declare_series",
    "operation_of",
    "recognise",
]
