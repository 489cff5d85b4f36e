"""Keeps an expired LLM backend session out of Sentry and OpenTelemetry, and secrets out of what leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentry_filters.audit import Ledger
from sentry_filters.core.bus import EventBus, Handler, Subscription
from sentry_filters.core.counters import Counters
from sentry_filters.core.decision import Decision
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict, recognise
from sentry_filters.core.records import AuditRecord, DecisionRecord, ExpiryRecord, RenewalRecord
from sentry_filters.core.session import SessionExpired, SessionExpiredError
from sentry_filters.evidence.failure import Failure, Response
from sentry_filters.evidence.hosts import Endpoint
from sentry_filters.guard import SessionGuard
from sentry_filters.redaction import Redactor

if TYPE_CHECKING:
    from sentry_filters.redis import RedisSessions as RedisSessions

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


def __getattr__(name: str) -> object:
    # Redis is an extra: its client is imported by those who share sessions, and by nobody else.
    if name == "RedisSessions":
        from sentry_filters.redis import RedisSessions  # noqa: PLC0415

        return RedisSessions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
