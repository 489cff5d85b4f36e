"""`SessionGuard`: makes the parts, hands each edge what it needs, offers them under one name."""

from __future__ import annotations

import atexit
import logging
import weakref
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, overload

import sentry_sdk

from sentry_filters.audit import Ledger
from sentry_filters.core import (
    AuditTrail,
    Counters,
    Decider,
    EventBus,
    Handler,
    Lifecycle,
    Policy,
    SchedulerGate,
    SharedSessions,
    Verdict,
)
from sentry_filters.evidence import Credentials, FailuresOf, Fingerprinter, Reading, failures_of, token_of
from sentry_filters.http import EVERYBODY, LIBRARIES, Calls, Clients
from sentry_filters.redaction import Kind, Redactor
from sentry_filters.sentry import (
    Boundary,
    GuardIntegration,
    Hook,
    Reporter,
    SentryHooks,
    SentrySignals,
    SpanFilter,
    composed_options,
    current_release,
    current_spans,
    with_dsn,
    with_options_of,
)

_log = logging.getLogger("sentry_filters")

Client = TypeVar("Client")

__all__ = ["Parts", "SessionGuard", "parts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a guard is made of, for the edges that serve it; an application has no use for it.

    Args:
        decider: Decides about failures, for every signal.
        lifecycle: Expires and renews sessions.
        calls: What instrumented clients' calls said.
        failures_of: Finds the failed call behind an exception.
        trail: Counts, and hands records to observers; `trail.fault` takes note of an edge's own faults.
        boundary: Decides what may leave through Sentry's transport.
        extensions: What an edge's own parts share, by a name of its choice.
    """

    decider: Decider
    lifecycle: Lifecycle
    calls: Calls
    failures_of: FailuresOf
    trail: AuditTrail
    boundary: Boundary
    extensions: dict[str, Any] = field(default_factory=dict)


class SessionGuard:
    """Keeps an expired session of the hosted LLM backend out of Sentry and OpenTelemetry, and secrets too.

    The application owns it; two guards in one process do not see each other. Thread-safe. Beyond the errors
    below nothing raises: faults of its own are counted (`counters`) and the first is logged at WARNING.

    Args:
        policy: Which failures are the expired session.
        on_session_expired: Called once per expired session, in a thread of its own; may be a coroutine
            function. More handlers: `bus.subscribe`.
        audit: Where every decision is written down.
        shared: What carries expiries and renewals between processes, such as `RedisSessions`.

    Raises:
        ValueError: The policy's kinds or keys of secrets are faulty, or `audit` or `shared` serves another
            guard; the message names the entry.
    """

    def __init__(
        self,
        policy: Policy,
        on_session_expired: Handler | None = None,
        *,
        audit: Ledger | None = None,
        shared: SharedSessions | None = None,
    ) -> None:
        self.policy = policy
        self.redactor = Redactor(
            kinds=[Kind.from_mapping(kind) for kind in policy.secret_kinds],
            keys=policy.secret_keys,
            kept_keys=policy.kept_keys,
            redact_content=policy.redact_content,
        )
        self.counters = Counters()
        self.bus = EventBus(partial(self.counters.add, "faults"))
        self.counters.declare(policy.source)
        self.gate = SchedulerGate(policy.scope, partial(self.counters.add, "refused"))
        self._fingerprinter = Fingerprinter(None if shared is None else shared.key)
        self._audit = audit
        self._shared = shared
        self._make_parts()
        if on_session_expired is not None:
            self.bus.subscribe(on_session_expired)
        if audit is not None:
            audit.attach(self.counters, current_release)
            self._parts.trail.observe(audit.observe)
        if shared is not None:
            shared.attach(self._parts.lifecycle)
        if not policy.endpoints:
            _log.warning(
                "sentry-filters: hosts is empty in the policy of %s: nothing can be confirmed",
                policy.provider,
            )
        atexit.register(_close_if_alive, weakref.ref(self))

    def __repr__(self) -> str:
        return f"<SessionGuard of {self.policy.provider}, gate {'open' if self.gate.is_open else 'closed'}>"

    # Sessions

    def session_renewed(self, credential: str | None = None, *, replaces: str | None = None) -> None:
        """Record that a sign-in is done: opens the gate, and makes late failures of older credentials stale.

        Args:
            credential: The new credential, with or without `Bearer `. Only its fingerprint is kept, and the
                redactor removes it from what is exported.
            replaces: The credential that it replaces: its late failures are stale, its further use is a
                defect, and shown. With `scope="process"` that holds for all others anyway.
        """
        session = self._named(credential)
        self._parts.lifecycle.renew(session, self._named(replaces))

    def fingerprint(self, credential: str) -> str:
        """Return the short name of a credential's session, as in `SessionExpired.session`."""
        return self._fingerprinter.of(credential)

    # HTTP

    @overload
    def instrument(self) -> None: ...
    @overload
    def instrument(self, client: Client) -> Client: ...
    def instrument(self, client: Any = EVERYBODY) -> Any:
        """Let the guard see what `client` sends and receives; without one, what all clients do. Idempotent.

        Args:
            client: A client of httpx, httpx2, requests, aiohttp or urllib3, or an SDK's object that holds
                one, such as `openai.OpenAI()`. Without it: all of theirs and of `http.client`'s, made before
                or after, in libraries imported before or after, until `uninstrument`.

        Returns:
            The same client; None without one.

        Raises:
            TypeError: No HTTP client is found; the message says what to write instead.
        """
        return self._clients.instrument(client)

    def uninstrument(self) -> None:
        """Undo all that `instrument` did; what was seen is kept."""
        self._clients.uninstrument()

    def operation(self, name: str) -> AbstractContextManager[None]:
        """Name the operation of the calls made inside the `with` block, whatever their URL."""
        return self._parts.calls.operation(name)

    def report(
        self,
        error: BaseException | str,
        *,
        operation: str,
        provider: str,
        status: int | str | None,
        body: object = None,
    ) -> Verdict:
        """Report a failed call from a call site with its own HTTP code; never raises.

        An expired session is published and not reported. Anything else goes to Sentry under the five tags,
        in a scope of its own.

        Args:
            error: The exception, or a message.
            operation: The operation that failed.
            provider: Whose API failed.
            status: HTTP status, None where there was no response.
            body: The response's body: text, bytes or parsed JSON.

        Returns:
            The verdict; `drop` means that it was an expired session.
        """
        return self._reporter.report(error, operation=operation, provider=provider, status=status, body=body)

    # Sentry

    @with_options_of(sentry_sdk.init)
    def sentry_options(self, *dsn: str | None, **options: Any) -> dict[str, Any]:
        """Return options for `sentry_sdk.init` with the guard's hooks and transport composed in.

        The user's own hooks run after recognition, for what is kept; the user's own transport gets redacted
        envelopes. Both `init(**guard.sentry_options(dsn=…))` and `init(dsn=…, **guard.sentry_options())`
        work. Another guard's `before_send` decides about every event, also about what this one drops.

        Args:
            dsn: As `sentry_sdk.init` takes it, too: in place of `dsn=…`.
            options: Any options of `sentry_sdk.init`; all of them are returned.

        Raises:
            TypeError: More than one option is given without its name, or the DSN is given twice.
        """
        return composed_options(
            self._hooks,
            self._parts.boundary,
            with_dsn(dsn, options),
            own=self.before_send,
            decides_behind=_decides_behind,
        )

    def integration(self) -> GuardIntegration:
        """Return an entry for `sentry_sdk.init(integrations=[…])` that does what `instrument()` does."""
        return GuardIntegration(self.instrument)

    def before_send(self, event: Any, hint: Any) -> Any:
        """Sentry's `before_send`, for use without `sentry_options`: drops, and redacts what it keeps.

        It sees error events only: transactions, logs, sessions, attachments and Spotlight leave as they are.
        """
        kept = self._hooks.before_send(event, hint)
        return None if kept is None else self._parts.boundary.redacted_event(kept)

    def close(self, timeout: float = 2.0) -> None:
        """Let handlers finish, and the ledger write, what is queued: each for at most `timeout` seconds.

        It ends the subscriptions, the ledger, what is shared and what `instrument` did. Call it where a
        process ends without Python's own exit, as children of `multiprocessing` do.
        """
        self._clients.uninstrument()
        self._parts.lifecycle.close()  # what waits for the end of a healing window is told now
        if self._shared is not None:
            self._shared.close(timeout)  # first: what it still publishes is handled
        self.bus.close(timeout)
        if self._audit is not None:
            self._audit.close(timeout)

    def _named(self, credential: str | None) -> str | None:
        if credential is None:
            return None
        self.redactor.register(token_of(credential))
        return self._fingerprinter.of(credential)

    def _make_parts(self) -> None:
        trail = AuditTrail(self.policy, self.counters, self.redactor)
        lifecycle = Lifecycle(self.policy, self.gate, self.bus, trail, self.redactor, self._shared)
        decider = Decider(self.policy, lifecycle, trail)
        credentials = Credentials(self.policy.credential_headers, self._fingerprinter)
        calls = Calls(
            self.policy, credentials, self.redactor, current_spans, trail.fault, lifecycle.succeeded
        )
        self._clients = Clients(calls, LIBRARIES)
        of_error = partial(failures_of, reading=Reading(calls.recorded, credentials))
        spans = SpanFilter(decider, calls.response_of, self.counters)
        reporting: ContextVar[bool] = ContextVar("sentry_filters_reporting", default=False)
        signals = SentrySignals(self.policy, trail, reporting)
        signals.attach(self.bus)
        self._hooks = SentryHooks(decider, spans, of_error, reporting, trail, signals)
        self._reporter = Reporter(self.policy, decider, of_error, reporting, trail.fault)
        self._parts = Parts(
            decider=decider,
            lifecycle=lifecycle,
            calls=calls,
            failures_of=of_error,
            trail=trail,
            boundary=Boundary(self.redactor, spans, trail),
        )


def _decides_behind(hook: object) -> Hook | None:
    """Return what decides in the guard whose `before_send` this is."""
    guard = getattr(hook, "__self__", None)
    return guard._hooks.before_send if isinstance(guard, SessionGuard) else None


def parts_of(guard: SessionGuard) -> Parts:
    """Return what `guard` is made of, for an edge that serves it."""
    return guard._parts


def _close_if_alive(guard: weakref.ref[SessionGuard]) -> None:
    alive = guard()
    if alive is not None:
        alive.close()
