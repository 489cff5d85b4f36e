"""Policy, recognition, the session's life, gate, bus, decision, counters, records: knows no SDK."""

from sentry_filters.core.bus import EventBus, Handler, Subscription
from sentry_filters.core.counters import LABELS, Counters, Fault, Faults, OneWarning
from sentry_filters.core.decision import Decider, Decision, Rehearsal
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.lifecycle import Lifecycle, SharedSessions
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict, operation_of, recognise
from sentry_filters.core.records import (
    EXPIRY_EXTRA,
    AuditObserver,
    AuditRecord,
    AuditTrail,
    DecisionRecord,
    ExpiryRecord,
    RedactsText,
    RenewalRecord,
    expiry_attributes,
)
from sentry_filters.core.refusals import REFUSED_BY_GATE, names_refusal, refusal_of
from sentry_filters.core.session import SessionExpired, SessionExpiredError
from sentry_filters.core.work import SessionOf

__all__ = [
    "EXPIRY_EXTRA",
    "LABELS",
    "REFUSED_BY_GATE",
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
    "expiry_attributes",
    "names_refusal",
    "operation_of",
    "recognise",
    "refusal_of",
]
