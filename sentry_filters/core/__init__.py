"""Policy, recognition, the session's life, gate, bus, decision, counters, records: knows no SDK."""

from sentry_filters.core.backend_sessions import BackendSessions
from sentry_filters.core.backends import Backends
from sentry_filters.core.bus import EventBus, Handler, Subscription
from sentry_filters.core.counters import LABELS, Counters, Fault, Faults, OneWarning
from sentry_filters.core.decision import Decider, Decision, Rehearsal
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.policy import DEFAULT_PATHS, Policy
from sentry_filters.core.recognition import Grade, Verdict, operation_of, recognise
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
from sentry_filters.core.session import Observed, SessionExpired, SessionExpiredError, Standing
from sentry_filters.core.sessions import Lifecycle
from sentry_filters.core.shared import SharedLife, SharedSessions
from sentry_filters.core.work import SessionOf

__all__ = [
    "DEFAULT_PATHS",
    "EXPIRY_EXTRA",
    "LABELS",
    "REFUSED_BY_GATE",
    "AuditObserver",
    "AuditRecord",
    "AuditTrail",
    "BackendSessions",
    "Backends",
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
    "Observed",
    "OneWarning",
    "Policy",
    "RedactsText",
    "Rehearsal",
    "RenewalRecord",
    "SchedulerGate",
    "SessionExpired",
    "SessionExpiredError",
    "SessionOf",
    "SharedLife",
    "SharedSessions",
    "Standing",
    "Subscription",
    "Verdict",
    "expiry_attributes",
    "names_refusal",
    "operation_of",
    "recognise",
    "refusal_of",
]
