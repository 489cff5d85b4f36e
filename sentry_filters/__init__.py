"""Keeps an expired LLM session out of Sentry and OpenTelemetry, and redacts events, spans and log records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentry_filters.audit import Ledger
from sentry_filters.core import (
    DEFAULT_PATHS,
    AuditRecord,
    Counters,
    Decision,
    DecisionRecord,
    EventBus,
    ExpiryRecord,
    Explanation,
    Handler,
    Policy,
    RefreshRefused,
    RenewalRecord,
    SchedulerGate,
    SessionExpired,
    SessionExpiredError,
    Subscription,
    Verdict,
    recognise,
)
from sentry_filters.evidence import Endpoint, Failure, Response
from sentry_filters.guard import SessionGuard
from sentry_filters.redaction import Redactor

if TYPE_CHECKING:
    from sentry_filters.redis import RedisSessions as RedisSessions

    __version__: str

__all__ = [
    "DEFAULT_PATHS",
    "AuditRecord",
    "Counters",
    "Decision",
    "DecisionRecord",
    "Endpoint",
    "EventBus",
    "ExpiryRecord",
    "Explanation",
    "Failure",
    "Handler",
    "Ledger",
    "Policy",
    "Redactor",
    "RefreshRefused",
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
    # Reading it takes as long as importing a small package: only who asks pays.
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("sentry-filters")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
