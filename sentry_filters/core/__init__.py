"""Policy, recognition, the session's life, gate, bus, decision, counters, records: knows no SDK."""

from sentry_filters.core.backend_sessions import BackendSessions
from sentry_filters.core.backends import Backends
from sentry_filters.core.bus import EventBus, Handler, Subscription
from sentry_filters.core.counters import LABELS, Counters, Fault, Faults, OneWarning
from sentry_filters.core.decision import Decider, Decision, Rehearsal
from sentry_filters.core.discovery import Discoveries
from sentry_filters.core.explaining import Explainer
from sentry_filters.core.explanation import Explanation, Step
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.known_hosts import KnownHosts
from sentry_filters.core.policy import BEFORE_COMMON_WORDS, COMMON_WORDS, DEFAULT_PATHS, Policy
from sentry_filters.core.reasons import REASONS
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
from sentry_filters.core.refresh import Renewer
from sentry_filters.core.refresh_asking import Ask, RefreshRefused
from sentry_filters.core.refresh_held import LEASE_SECONDS
from sentry_filters.core.refusals import REFUSED_BY_GATE, names_refusal, refusal_of
from sentry_filters.core.renewals import Renewals
from sentry_filters.core.session import Observed, SessionExpired, SessionExpiredError, Standing
from sentry_filters.core.sessions import Lifecycle
from sentry_filters.core.shared import RefreshTurns, SharedLife, SharedSessions, Turn
from sentry_filters.core.weighing import Weighing
from sentry_filters.core.work import SessionOf

__all__ = [
    "BEFORE_COMMON_WORDS",
    "COMMON_WORDS",
    "DEFAULT_PATHS",
    "EXPIRY_EXTRA",
    "LABELS",
    "LEASE_SECONDS",
    "REASONS",
    "REFUSED_BY_GATE",
    "Ask",
    "AuditObserver",
    "AuditRecord",
    "AuditTrail",
    "BackendSessions",
    "Backends",
    "Counters",
    "Decider",
    "Decision",
    "DecisionRecord",
    "Discoveries",
    "EventBus",
    "ExpiryRecord",
    "Explainer",
    "Explanation",
    "Fault",
    "Faults",
    "Grade",
    "Handler",
    "KnownHosts",
    "Lifecycle",
    "Observed",
    "OneWarning",
    "Policy",
    "RedactsText",
    "RefreshRefused",
    "RefreshTurns",
    "Rehearsal",
    "RenewalRecord",
    "Renewals",
    "Renewer",
    "SchedulerGate",
    "SessionExpired",
    "SessionExpiredError",
    "SessionOf",
    "SharedLife",
    "SharedSessions",
    "Standing",
    "Step",
    "Subscription",
    "Turn",
    "Verdict",
    "Weighing",
    "expiry_attributes",
    "names_refusal",
    "operation_of",
    "recognise",
    "refusal_of",
]
