"""The parts of a guard that decide, without a guard around them."""

from __future__ import annotations

import time
from typing import Any

from sentry_filters import (
    AuditRecord,
    DecisionRecord,
    Endpoint,
    Failure,
    Policy,
    Redactor,
    Response,
    SessionExpired,
)
from sentry_filters.core import (
    AuditTrail,
    Backends,
    BackendSessions,
    Counters,
    Decider,
    EventBus,
    Explainer,
    KnownHosts,
    Lifecycle,
    Weighing,
)

OURS = "backend_session_expired"
TRACE = "0123456789abcdef" * 2


class Deciding:
    """Decides by policies, and keeps what came of it.

    Args:
        policies: One for each backend.
        listens: Whether somebody has subscribed.

    Attributes:
        held: The failed call that `instrument` would hold.
        asked_for: The traces that it was asked for.
        records: What the audit was handed.
    """

    def __init__(self, *policies: Policy, listens: bool = True) -> None:
        self.held: Response | None = None
        self.asked_for: list[str | None] = []
        self.records: list[AuditRecord] = []
        self.counters = Counters()
        self.bus = EventBus()
        self.backends = Backends(policies)
        redactor = Redactor()
        trail = AuditTrail(self.backends, self.counters, redactor)
        trail.observe(self.records.append)
        self.sessions = BackendSessions(self.backends, self.bus, trail, redactor)
        self.weighing = Weighing(self.backends, self.sessions, self._holds)
        hosts = KnownHosts(self.backends, trail.labels)
        self.decider = Decider(self.sessions, trail, self.weighing, hosts, is_shadow=self.backends.is_shadow)
        self.explainer = Explainer(self.backends, self.sessions, self.weighing, trail.labels)
        if listens:
            self.bus.subscribe(_hears)

    def decide(self, *failures: Failure, signal: str = "event", can_show: bool = False) -> tuple[bool, str]:
        """Decide about a report of these failures; return whether it is dropped, and why."""
        decision = self.decider.decide(signal, failures, can_show=can_show)
        return decision.drop, decision.verdict.reason

    def life(self, provider: str | None = None) -> Lifecycle:
        """Return the life of a backend's sessions."""
        return self.sessions.named(provider, "test")

    def succeeds(self, session: str, *, after: float = 0.0, provider: str | None = None) -> None:
        """Let a call with this credential succeed that begins so many seconds from now."""
        self.life(provider).succeeded(session, time.monotonic() + after)

    @property
    def decided(self) -> list[DecisionRecord]:
        """What the audit was told of decisions."""
        return [one for one in self.records if isinstance(one, DecisionRecord)]

    def _holds(self, trace: str | None) -> Response | None:
        self.asked_for.append(trace)
        return self.held


def answer(host: str, session: str | None = "a" * 12, **changes: Any) -> Response:
    """Return the answer of a backend that refuses a credential, as it came over the wire."""
    facts = {
        "status": 401,
        "endpoint": Endpoint(host, 443),
        "path": "/v1/chat/completions",
        "body_known": True,
        "credential": True,
    }
    return Response(session=session, **{**facts, **changes})


def stated(provider: str) -> Failure:
    """Return what a report with all five tags says."""
    return Failure(domain="llm_provider", operation="chat", provider=provider, status=401, failure="non_2xx")


def wire(provider: str, **changes: Any) -> Failure:
    """Return what a report says that only quotes a backend's answer."""
    return Failure(text=f'{provider} API error (401 Unauthorized): {{"error":"x"}}', **changes)


def _hears(_event: SessionExpired) -> None:
    """Somebody hears of it."""
