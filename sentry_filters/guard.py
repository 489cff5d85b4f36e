"""`SessionGuard`: makes the parts, hands each edge what it needs, offers them under one name."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar, cast

from sentry_filters.audit import Ledger
from sentry_filters.core import (
    Adopter,
    AuditObserver,
    Counters,
    Decider,
    Decision,
    EventBus,
    Handler,
    Policy,
    SchedulerGate,
    Sessions,
    SharedSessions,
    Verdict,
    declare_series,
)
from sentry_filters.evidence import Failure, Fingerprinter, Response, causes_of, token_of
from sentry_filters.http import Call, Client, HttpEdge
from sentry_filters.redaction import Kind, Redactor
from sentry_filters.sentry import (
    Boundary,
    Reporter,
    SentryHooks,
    SpanFilter,
    StandaloneHooks,
    composed_options,
    current_release,
    current_spans,
)

Part = TypeVar("Part")


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
        self.bus = EventBus()
        self.counters = Counters()
        declare_series(self.counters, policy)
        self.gate = SchedulerGate(policy.scope, partial(self.counters.add, "refused"))
        self._parts: dict[Callable[[], object], object] = {}
        self._shared = shared
        names = () if shared is None else (shared.expiry_id,)
        self._sessions = Sessions(policy.scope, policy.renewal_grace, *names)
        self._fingerprinter = Fingerprinter(None if shared is None else shared.key)
        self._decider = Decider(
            policy, self._sessions, self.gate, self.bus, self.counters, self.redactor, shared=shared
        )
        self._make_edges()
        if on_session_expired is not None:
            self.bus.subscribe(on_session_expired)
        self._audit = audit
        if audit is not None:
            audit.attach(self.counters, current_release)
            self.observe(audit.observe)
        if shared is not None:
            shared.attach(self._adopter())
        atexit.register(_close_if_alive, weakref.ref(self))

    def __repr__(self) -> str:
        return f"<SessionGuard of {self.policy.provider}, gate {'open' if self.gate.is_open else 'closed'}>"

    # Sessions

    def session_renewed(self, credential: str | None = None) -> None:
        """Tell that a sign-in is done: opens the gate, and makes late failures of older credentials stale.

        Args:
            credential: The new credential, with or without `Bearer `. Only its fingerprint is kept, and the
                redactor removes it from what leaves.
        """
        session = None
        if credential is not None:
            session = self._fingerprinter.of(credential)
            self.redactor.register(token_of(credential))
        ended = self._sessions.renew(session)
        if self._shared is not None and self._sessions.renewed_at is not None:
            # Before the gate opens: an expiry from elsewhere that closes it now finds that it is over.
            self._shared.renewed(session, self._sessions.renewed_at)
        self.gate.open(session)
        self._decider.renewed(session, ended)

    def fingerprint(self, credential: str) -> str:
        """Return the short name of a credential's session, as in `SessionExpired.session`."""
        return self._fingerprinter.of(credential)

    # HTTP

    def instrument(self, client: Client) -> Client:
        """Let the guard see what `client`, of httpx or httpx2, sends and receives; returns the same client.

        Use it as `http_client` of the openai or anthropic SDK. Idempotent.

        Raises:
            TypeError: `client` is no such client.
        """
        return self._http.instrument(client)

    def operation(self, name: str) -> AbstractContextManager[None]:
        """Name the operation of the calls made inside the `with` block, whatever their URL."""
        return self._http.operation(name)

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

    def sentry_options(self, **options: Any) -> dict[str, Any]:
        """Return options for `sentry_sdk.init` with the guard's hooks and transport composed in.

        The user's own hooks run after recognition, for what is kept; the user's own transport gets redacted
        envelopes. Both `init(**guard.sentry_options(dsn=…))` and `init(dsn=…, **guard.sentry_options())`
        work.

        Args:
            options: Any options of `sentry_sdk.init`; all of them are returned.
        """
        return composed_options(self._hooks, self._boundary, options)

    def before_send(self, event: Any, hint: Any) -> Any:
        """Sentry's `before_send`, for use without `sentry_options`: drops, and redacts what it keeps."""
        return self._standalone.before_send(event, hint)

    def before_send_transaction(self, event: Any, hint: Any) -> Any:
        """As `before_send`, for transactions: removes our failures' spans."""
        return self._standalone.before_send_transaction(event, hint)

    def before_send_log(self, log: Any, hint: Any) -> Any:
        """As `before_send`, for logs."""
        return self._standalone.before_send_log(log, hint)

    def before_send_metric(self, metric: Any, hint: Any) -> Any:
        """As `before_send`, for metrics."""
        return self._standalone.before_send_metric(metric, hint)

    def before_send_span(self, span: Any, hint: Any) -> Any:
        """Sentry's `before_send_span`: redacts; the SDK lets no hook drop a streamed span."""
        return self._standalone.before_send_span(span, hint)

    def before_breadcrumb(self, crumb: Any, hint: Any) -> Any:
        """Sentry's `before_breadcrumb`: redacts."""
        return self._standalone.before_breadcrumb(crumb, hint)

    # For further edges

    def decide(
        self,
        signal: str,
        failures: tuple[Failure, ...],
        *,
        can_show: bool = False,
        demotes: bool = False,
    ) -> Decision:
        """Decide about a report that another edge saw; see `Decider.decide`. Never raises."""
        return self._decider.decide(signal, failures, can_show=can_show, demotes=demotes)

    def observe(self, observer: AuditObserver) -> None:
        """Hand decisions about failures, expiries and renewals to `observer`; see `Decider.observe`."""
        self._decider.observe(observer)

    def note(self, signal: str, verdict: str, reason: str, failure: Failure) -> None:
        """Count, and hand to the observers, what became of a report by an earlier decision. Never raises."""
        self._decider.note(signal, verdict, reason, failure)

    def failures_of(self, error: BaseException) -> tuple[Failure, ...]:
        """Return what an exception says about the failed call behind it, one for each leaf of a group."""
        causes = causes_of(error, self._http.extension_key)
        return tuple(
            Failure(
                text=cause.text, response=cause.response, raised_while_handling=cause.raised_while_handling
            )
            for cause in causes
        )

    def part(self, make: Callable[[], Part]) -> Part:
        """Return this guard's one instance of what `make` makes: what an edge's processors share."""
        # Atomic without a lock, which a fork could leave locked; one made in vain is forgotten.
        return cast("Part", self._parts.setdefault(make, make()))

    def fault(self, place: str, error: BaseException) -> None:
        """Count a fault of an edge's own and log the first at WARNING, without payload."""
        self._decider.fault(place, error)

    def call_of(self, trace_id: str, span_id: str) -> Call | None:
        """Return what `instrument` knows about the latest call sent under this span."""
        return self._http.call_of(trace_id, span_id)

    def response_of(self, trace_id: str, span_id: str) -> Response | None:
        """Return what `instrument` recorded about a failed response under this span."""
        return self._http.response_of(trace_id, span_id)

    def close(self, timeout: float = 2.0) -> None:
        """Let handlers finish, and the ledger write, what is queued: each for at most `timeout` seconds.

        It ends the subscriptions, the ledger and what is shared. Call it where a process ends without
        Python's own exit, as children of `multiprocessing` do.
        """
        if self._shared is not None:
            self._shared.close(timeout)  # first: what it still publishes is handled
        self.bus.close(timeout)
        if self._audit is not None:
            self._audit.close(timeout)

    def _adopter(self) -> Adopter:
        return Adopter(
            sessions=self._sessions,
            gate=self.gate,
            counters=self.counters,
            teller=self._decider,
            scope=self.policy.scope,
        )

    def _make_edges(self) -> None:
        reporting: ContextVar[bool] = ContextVar("sentry_filters_reporting", default=False)
        fault = self._decider.fault
        self._http = HttpEdge(self.policy, self._fingerprinter, self.redactor, current_spans, fault)
        spans = SpanFilter(self._decider.decide, self._http.response_of, self._count_dropped)
        key = self._http.extension_key
        self._hooks = SentryHooks(self._decider.decide, spans, key, reporting, self._count_dropped, fault)
        self._reporter = Reporter(self.policy, self._decider.decide, key, reporting, fault)
        self._boundary = Boundary(self.redactor, spans, self.counters, fault)
        self._standalone = StandaloneHooks(self._hooks, self.redactor, self.counters, fault)

    def _count_dropped(self, signal: str) -> None:
        self.counters.saw(signal, "dropped")


def _close_if_alive(guard: weakref.ref[SessionGuard]) -> None:
    alive = guard()
    if alive is not None:
        alive.close()
