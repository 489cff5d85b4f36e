"""`SessionGuard`: offers what it is made of under one name, and hands each edge what it needs."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from threading import Thread
from typing import Any, overload

import sentry_sdk

from sentry_filters.audit import Ledger
from sentry_filters.core import (
    Ask,
    Backends,
    Counters,
    EventBus,
    Explanation,
    Handler,
    Policy,
    SchedulerGate,
    SharedSessions,
    Verdict,
)
from sentry_filters.evidence import Fingerprinter
from sentry_filters.forking import while_alive
from sentry_filters.http import EVERYBODY, Client, SessionAuth
from sentry_filters.parts import Parts, made_of, redactor_of, warn_of
from sentry_filters.sentry import (
    GuardIntegration,
    Hook,
    NeverCopied,
    composed_options,
    current_release,
    name_parts,
    with_dsn,
    with_options_of,
)

__all__ = ["SessionGuard", "parts_of"]


class SessionGuard(NeverCopied):
    """Keeps an expired session of the LLM backend out of Sentry and OpenTelemetry; redacts what they send.

    The application owns it; two guards in one process do not see each other. Thread-safe. Beyond the errors
    below nothing raises: faults of its own are counted (`counters`) and the first is logged at WARNING.

    Args:
        policy: Which failures are the expired session; for several backends a sequence, a policy each.
        on_session_expired: Called once per expired session, in a thread of its own; may be a coroutine
            function. More handlers: `bus.subscribe`.
        audit: Where every decision is written down.
        shared: What carries expiries and renewals between processes, such as `RedisSessions`.

    Raises:
        ValueError: The policy's kinds or keys of secrets are faulty, two policies contradict each other, or
            `audit` or `shared` serves another guard; the message names the entry.
    """

    def __init__(
        self,
        policy: Policy | Sequence[Policy],
        on_session_expired: Handler | None = None,
        *,
        audit: Ledger | None = None,
        shared: SharedSessions | None = None,
    ) -> None:
        backends = Backends(policy)
        self.policies = backends.policies
        self.redactor = redactor_of(backends)
        self.counters = Counters()
        self.bus = EventBus(partial(self.counters.add, "faults"))
        self._fingerprinter = Fingerprinter(None if shared is None else shared.key)
        self._audit = audit
        self._parts = made_of(
            backends,
            counters=self.counters,
            bus=self.bus,
            redactor=self.redactor,
            fingerprinter=self._fingerprinter,
            shared=shared,
        )
        self.gate: SchedulerGate = self._parts.sessions.gate
        if on_session_expired is not None:
            self.bus.subscribe(on_session_expired)
        if audit is not None:
            audit.attach(self.counters, current_release)
            self._parts.trail.observe(audit.observe)
        self._parts.sessions.attach()
        name_parts(self, "_parts.hooks", "_parts.boundary", again=partial(SessionGuard, self.policies))
        warn_of(backends)
        atexit.register(while_alive(self.close))

    def __repr__(self) -> str:
        of = ", ".join(policy.provider for policy in self.policies)
        return f"<SessionGuard of {of}, gate {'open' if self.gate.is_open else 'closed'}>"

    @property
    def policy(self) -> Policy:
        """The policy of a guard with one backend; `policies` has those of several.

        Raises:
            AttributeError: There are several.
        """
        policy = self._parts.backends.only
        if policy is None:
            raise AttributeError("SessionGuard.policy: there are several; use SessionGuard.policies")
        return policy

    # Sessions

    def session_renewed(
        self, credential: str | None = None, *, replaces: str | None = None, provider: str | None = None
    ) -> None:
        """Record that a sign-in is done: opens the gate, and makes late failures of older credentials stale.

        Args:
            credential: The new credential, with or without `Bearer `; no export has it from now on.
            replaces: The credential that it replaces: its late failures are stale, its use is a defect.
                With `scope="process"` that holds for all others anyway.
            provider: Whose sign-in it is; has to be named where there are several backends, since to open
                another's gate would hide its failures. Call it for each backend that has a new credential.

        Raises:
            ValueError: There is no such backend, or several and none is named.
        """
        self._parts.renewals_of(provider, "session_renewed").signed_in(credential, replaces)

    def fingerprint(self, credential: str) -> str:
        """Return the short name of a credential's session, as in `SessionExpired.session`."""
        return self._fingerprinter.of(credential)

    # HTTP

    @overload
    def instrument(self) -> None: ...
    @overload
    def instrument(self, client: Client) -> Client: ...
    def instrument(self, client: Any = EVERYBODY) -> Any:
        """Let the guard see what `client` sends and receives, and return it; without one, what all do.

        Args:
            client: A client of httpx, httpx2, requests, aiohttp or urllib3, or an SDK's object that holds
                one, such as `openai.OpenAI()`. Without it: all of theirs and of `http.client`'s, made before
                or after, in libraries imported before or after, until `uninstrument`. Idempotent.

        Raises:
            TypeError: No HTTP client is found; the message says what to write instead.
        """
        return self._parts.clients.instrument(client)

    def uninstrument(self) -> None:
        """Undo all that `instrument` did; what was seen is kept."""
        self._parts.clients.uninstrument()

    def auth(
        self,
        refresh: Ask,
        load: Ask | None = None,
        *,
        renew_before: float = 0.0,
        timeout: float = 10.0,
        provider: str | None = None,
    ) -> SessionAuth:
        """Return the `auth` of clients of httpx, httpx2 and requests: it renews the credential once for all.

        Args:
            refresh: Returns a new credential, as `load` does from then on; a function or coroutine function.
                None, `RefreshRefused`: sign in again. What else it raises: it could not be asked.
            load: Returns the current credential; without it the first comes from `refresh`.
            renew_before: Seconds before the end of a JWT in which it is renewed; 0 to do so at its end.
            timeout: Seconds that a call waits for a renewal at most. `refresh` should take less.
            provider: Whose credential it is; has to be named where there are several backends.

        Raises:
            ValueError: The policy has no hosts, or not this header; seconds are impossible; or there is no
                such backend, or several and none is named.
        """
        return self._parts.auth(provider, refresh, load, renew_before, timeout)

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
        return self._parts.reporter.report(
            error, operation=operation, provider=provider, status=status, body=body
        )

    def explain(self, error_or_event: object, hint: object = None) -> Explanation:
        """Say, step by step, why a report would be kept or dropped if Sentry got it now; never raises.

        Nothing is published, closed, counted or remembered, and no secret is in what it says. An exception
        tells most, by the responses that it leads to; an event out of a file says less.

        Args:
            error_or_event: An exception, or an event as `before_send` gets it.
            hint: The event's hint.

        Returns:
            The explanation: `print(guard.explain(error))`.
        """
        return self._parts.explainer.explain(error_or_event, hint)

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
            self._parts.hooks,
            self._parts.boundary,
            with_dsn(dsn, options),
            own=self.before_send,
            decides_behind=_decides_behind,
        )

    def integration(self) -> GuardIntegration:
        """Do as `instrument()` does, and return an entry for `sentry_sdk.init(integrations=[…])`."""
        return GuardIntegration(self.instrument)

    def before_send(self, event: Any, hint: Any) -> Any:
        """Sentry's `before_send`, for use without `sentry_options`: drops, and redacts what it keeps.

        It sees error events only: transactions, logs, sessions, attachments and Spotlight leave as they are.
        """
        kept = self._parts.hooks.before_send(event, hint)
        return None if kept is None else self._parts.boundary.redacted_event(kept)

    def warm(self) -> Thread:
        """Prepare in a thread of its own, which is returned, what the first export waits for otherwise.

        Call it where an application starts, and in each child that it forks. See `Redactor.warm`.
        """
        return self.redactor.warm()

    def close(self, timeout: float = 2.0) -> None:
        """Let handlers finish, and the ledger write, what is queued: each for at most `timeout` seconds.

        `instrument` is undone. Call it where a process ends without Python's own exit, as children do.
        """
        self._parts.clients.uninstrument()
        self._parts.sessions.close(timeout)  # first: what it still publishes is handled
        self.bus.close(timeout)
        if self._audit is not None:
            self._audit.close(timeout)


def _decides_behind(hook: object) -> Hook | None:
    """Return what decides in the guard whose `before_send` this is."""
    guard = getattr(hook, "__self__", None)
    return guard._parts.hooks.before_send if isinstance(guard, SessionGuard) else None


def parts_of(guard: SessionGuard) -> Parts:
    """Return what `guard` is made of, for an edge that serves it."""
    return guard._parts
