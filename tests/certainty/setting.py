"""What one process of an application is told: which edges it has, how it calls, where everything is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.support.secrets import fake

Mode = Literal["sync", "async"]
Handlers = Literal["listening", "none", "stuck"]

OLD, NEW, OTHER = (fake("eyJ", 40, seed=seed) for seed in ("old", "new", "other"))
"""Credentials."""

KEY = fake("", 40, seed="deployment")
"""The deployment's secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One process's setting.

    Args:
        mode: Whether it calls by threads, or in an event loop.
        sentry: Whether it reports to Sentry.
        opentelemetry: Whether it has a tracer provider.
        dsn: Where Sentry is.
        backend: `host:port` of the hosted backend.
        other: The same of another provider's, which a second guard serves where `chained` is set.
        tokens: URL of the token endpoint, and of the store of what it gave last.
        policy: Further fields of the guard's policy.
        handlers: Whether somebody subscribes, and whether the handler ever returns.
        chained: Whether a second guard stands behind the first.
        redis: URL of the Redis through which processes share their sessions, None for a process of its own.
        namespace: The deployment's name there.
    """

    mode: Mode
    sentry: bool
    opentelemetry: bool
    dsn: str
    backend: str
    other: str
    tokens: str
    policy: Mapping[str, Any] = field(default_factory=dict)
    handlers: Handlers = "listening"
    chained: bool = False
    redis: str | None = None
    namespace: str = "certainty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one process knows at its end of what left, and of what was decided.

    Args:
        published: Expiries that it published: their WARNINGs.
        told: How many its handler was called with.
        announced: Log events `session.expired` that left through OpenTelemetry.
        failed_traces: Traces in which a span with the status ERROR left.
        several: WARNINGs that name `scope="session"`.
        recovered: Expiries that a success has ended.
        is_open: Whether the gate is open for work of no particular session.
        reasons: Under which failures were decided.
        violations: Invariants that were found broken.
        faults: Of the guard's own, and ERROR records that it logged.
        unbalanced: Signals of which not everything that was seen is accounted for.
    """

    published: int
    told: int
    announced: int
    failed_traces: int
    several: int
    recovered: int
    is_open: bool
    reasons: tuple[str, ...]
    violations: tuple[str, ...]
    faults: int
    unbalanced: tuple[str, ...]
