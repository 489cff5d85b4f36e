"""What a guard is made of: one of each part, whatever the number of its backends, wired to one another."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sentry_filters.core import (
    AuditTrail,
    Backends,
    BackendSessions,
    Counters,
    Decider,
    EventBus,
    Lifecycle,
    SharedSessions,
)
from sentry_filters.evidence import Credentials, FailuresOf, Fingerprinter, Reading, failures_of
from sentry_filters.http import Calls
from sentry_filters.redaction import Kind, Redactor
from sentry_filters.sentry import (
    Boundary,
    Reporter,
    SentryHooks,
    SentrySignals,
    SpanFilter,
    current_spans,
)

__all__ = ["Parts", "made_of", "redactor_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a guard is made of, for the edges that serve it; an application has no use for it.

    Args:
        backends: The policies, and which of them a failure is about.
        decider: Decides about failures, for every signal.
        sessions: Expire and are renewed, each backend's for themselves.
        calls: What instrumented clients' calls said.
        failures_of: Finds the failed call behind an exception.
        trail: Counts, and hands records to observers; `trail.fault` takes note of an edge's own faults.
        boundary: Decides what may leave through Sentry's transport.
        hooks: Sentry's hooks, which recognise.
        reporter: Decides about what call sites report.
        extensions: What an edge's own parts share, by a name of its choice.
    """

    backends: Backends
    decider: Decider
    sessions: BackendSessions
    calls: Calls
    failures_of: FailuresOf
    trail: AuditTrail
    boundary: Boundary
    hooks: SentryHooks
    reporter: Reporter
    extensions: dict[str, Any] = field(default_factory=dict)

    @property
    def lifecycle(self) -> Lifecycle:
        """The life of the sessions of a single backend; ValueError where there are several."""
        return self.sessions.named(None, "lifecycle")


def redactor_of(backends: Backends) -> Redactor:
    """Return the redactor of all backends: what one of them calls secret is secret for all.

    Raises:
        ValueError: A kind or key is faulty; the message names the entry.
    """
    policies = backends.policies
    kinds = [kind for policy in policies for kind in policy.secret_kinds]
    return Redactor(
        kinds=[Kind.from_mapping(kind) for at, kind in enumerate(kinds) if kind not in kinds[:at]],
        keys=tuple(dict.fromkeys(key for policy in policies for key in policy.secret_keys)),
        kept_keys=policies[0].kept_keys,  # the same in all
        redact_content=any(policy.redact_content for policy in policies),
    )


def made_of(
    backends: Backends,
    *,
    counters: Counters,
    bus: EventBus,
    redactor: Redactor,
    fingerprinter: Fingerprinter,
    shared: SharedSessions | None,
) -> Parts:
    """Make the parts of a guard.

    Raises:
        ValueError: `shared` serves another guard.
    """
    for policy in backends.policies:
        counters.declare(policy.source)
    trail = AuditTrail(backends, counters, redactor)
    sessions = BackendSessions(backends, bus, trail, redactor, shared)
    decider = Decider(backends, sessions, trail)
    credentials = Credentials(backends.credential_headers, fingerprinter)
    calls = Calls(backends, credentials, redactor, current_spans, trail.fault, sessions.succeeded)
    of_error = partial(failures_of, reading=Reading(calls.recorded, credentials))
    spans = SpanFilter(decider, calls.response_of, counters)
    reporting: ContextVar[bool] = ContextVar("sentry_filters_reporting", default=False)
    signals = SentrySignals(backends, trail, reporting)
    signals.attach(bus)
    return Parts(
        backends=backends,
        decider=decider,
        sessions=sessions,
        calls=calls,
        failures_of=of_error,
        trail=trail,
        boundary=Boundary(redactor, spans, trail),
        hooks=SentryHooks(decider, spans, of_error, reporting, trail, signals),
        reporter=Reporter(backends, decider, of_error, reporting, trail.fault),
    )
