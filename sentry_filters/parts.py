"""What a guard is made of: one of each part, whatever the number of its backends, wired to one another."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sentry_filters.core import (
    Ask,
    AuditTrail,
    Backends,
    BackendSessions,
    Counters,
    Decider,
    Discoveries,
    EventBus,
    Explainer,
    KnownHosts,
    Lifecycle,
    Policy,
    Renewals,
    SharedSessions,
    Weighing,
)
from sentry_filters.evidence import Credentials, FailuresOf, Fingerprinter, Reading, failures_of
from sentry_filters.http import LIBRARIES, Calls, Clients, SessionAuth, session_auth
from sentry_filters.redaction import Kind, Redactor
from sentry_filters.sentry import (
    Boundary,
    EventExplainer,
    Reporter,
    SentryHooks,
    SentrySignals,
    SpanFilter,
    current_spans,
)

__all__ = ["Parts", "made_of", "redactor_of", "warn_of"]

_log = logging.getLogger("sentry_filters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a guard is made of, for the edges that serve it; an application has no use for it.

    Args:
        backends: The policies, and which of them a failure is about.
        decider: Decides about failures, for every signal.
        sessions: Expire and are renewed, each backend's for themselves.
        renewals: What renewals mean for the sessions, by the backend's provider.
        clients: What `instrument` has done.
        calls: What instrumented clients' calls said.
        reading: How facts are read off foreign objects.
        failures_of: Finds the failed call behind an exception.
        trail: Counts, and hands records to observers; `trail.fault` takes note of an edge's own faults.
        boundary: Decides what may leave through Sentry's transport.
        hooks: Sentry's hooks, which recognise.
        reporter: Decides about what call sites report.
        explainer: Says what would be decided, and why.
        extensions: What an edge's own parts share, by a name of its choice.
    """

    backends: Backends
    decider: Decider
    sessions: BackendSessions
    renewals: Mapping[str, Renewals]
    clients: Clients
    calls: Calls
    reading: Reading
    failures_of: FailuresOf
    trail: AuditTrail
    boundary: Boundary
    hooks: SentryHooks
    reporter: Reporter
    explainer: EventExplainer
    extensions: dict[str, Any] = field(default_factory=dict)

    @property
    def lifecycle(self) -> Lifecycle:
        """The life of the sessions of a single backend; ValueError where there are several."""
        return self.sessions.named(None, "lifecycle")

    def renewals_of(self, provider: str | None, place: str) -> Renewals:
        """Return the renewals of one backend; arguments and errors as for `Backends.named`."""
        return self.renewals[self.backends.named(provider, place).provider]

    def auth(
        self, provider: str | None, refresh: Ask, load: Ask | None, renew_before: float, timeout: float
    ) -> SessionAuth:
        """Return what `SessionGuard.auth` does; see there."""
        policy, renewals = self.backends.named(provider, "auth"), self.renewals_of(provider, "auth")
        return session_auth(renewals, policy, self.reading, refresh, load, renew_before, timeout)


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
    credentials = Credentials(backends.credential_headers, fingerprinter)
    known_hosts = KnownHosts(backends, trail.labels)

    def succeeded(policy: Policy, session: str, began: float) -> None:
        known_hosts.answered(policy)
        sessions.succeeded(policy, session, began)

    calls = Calls(backends, credentials, redactor, current_spans, trail.fault, succeeded)
    weighing = Weighing(backends, sessions, calls.nearby.latest)
    decider = Decider(sessions, trail, weighing, known_hosts, is_shadow=backends.is_shadow)
    reading = Reading(calls.recorded, credentials)
    of_error = partial(failures_of, reading=reading)
    spans = SpanFilter(decider, calls.response_of, counters)
    reporting: ContextVar[bool] = ContextVar("sentry_filters_reporting", default=False)
    signals = SentrySignals(backends, trail, reporting)
    signals.attach(bus)
    found = Discoveries(sessions.gate)
    reporter = Reporter(backends, decider, of_error, reporting, trail.fault, found)
    sessions.gate.find_with(reporter.found_by)
    return Parts(
        backends=backends,
        decider=decider,
        sessions=sessions,
        renewals=sessions.renewals((fingerprinter.of, redactor.register_session)),
        clients=Clients(calls, LIBRARIES),
        calls=calls,
        reading=reading,
        failures_of=of_error,
        trail=trail,
        boundary=Boundary(redactor, spans, trail),
        hooks=SentryHooks(decider, spans, of_error, reporting, trail, signals, found),
        reporter=reporter,
        explainer=EventExplainer(
            Explainer(backends, sessions, weighing, trail.labels),
            weighing,
            of_error,
            is_shadow=backends.is_shadow,
        ),
    )


def warn_of(backends: Backends) -> None:
    """Log at WARNING what policies make of a guard where that may not be meant."""
    for policy in backends.policies:
        if backends.is_shadow:
            _log.warning(
                "sentry-filters: shadow mode: failures of %s are counted, nothing is silenced",
                policy.provider,
            )
        if not policy.endpoints:
            _log.warning(
                "sentry-filters: hosts is empty in the policy of %s: nothing can be confirmed",
                policy.provider,
            )
