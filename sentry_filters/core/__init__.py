"""Policy, recognition, the session's life, gate, bus, decision, counters, records: knows no SDK."""

from sentry_filters.core.bus import EventBus, Handler, Subscription
from sentry_filters.core.counters import LABELS, Counters, Fault, Faults, OneWarning
from sentry_filters.core.decision import Decider, Decision, Rehearsal
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.lifecycle import Lifecycle, SharedSessions
from sentry_filters.core.policy import DEFAULT_PATHS, Policy
from sentry_filters.core.recognition import Grade, Verdict, operation_of, recognise
from sentry_filters.core.records import (
    AuditObserver,
    AuditRecord,
    AuditTrail,
    DecisionRecord,
    ExpiryRecord,
    RedactsText,
    RenewalRecord,
)
from sentry_filters.core.session import SessionExpired, SessionExpiredError
from sentry_filters.core.work import SessionOf

__all__ = [
    "DEFAULT_PATHS",
    "LABELS",
    "AuditObserver",
    "AuditRecord",
    "AuditTrail",
    "Counters",
    "Decider",
    "Decision",
    "DecisionRecord",
    "EventBus",
    "ExpiryRecord",
    "Fault",
    "Faults",
    "Grade",
    "Handler",
    "Lifecycle",
    "OneWarning",
    "Policy",
    "RedactsText",
    "Rehearsal",
    "RenewalRecord",
    "SchedulerGate",
    "SessionExpired",
    "SessionExpiredError",
    "SessionOf",
    "SharedSessions",
    "Subscription",
    "Verdict",
    "operation_of",
    "recognise",
]
