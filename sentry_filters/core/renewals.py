"""What renewals mean for the sessions, and what sign-ins mean for those who hold a credential."""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict, recognise
from sentry_filters.core.records import AuditTrail, RenewalRecord
from sentry_filters.core.refresh import Renewer
from sentry_filters.core.refresh_asking import Ask
from sentry_filters.core.refresh_held import LEEWAY_SECONDS, HeldAs
from sentry_filters.core.session import SessionExpired, SessionExpiredError
from sentry_filters.core.sessions import Lifecycle
from sentry_filters.core.shared import SharedSessions
from sentry_filters.evidence import Failure, Response, conventions, expires_at, token_of

_UNAUTHORIZED = conventions.SESSION_STATUSES[0]
_MOST_SESSIONS = 10_000
_STATED = Verdict(drop=True, reason="backend_session_expired", grade="statement")


class Renewals:
    """Between those who renew a guard's credential and its sessions. Thread-safe; never raises.

    Args:
        policy: Whose sessions.
        lifecycle: Expires and renews them.
        gate: Opens with a renewal; refuses a credential whose time is over.
        trail: Counts, and takes note of faults.
        names: Returns a credential's fingerprint; and registers it with the redactor.
        shared: The other processes, None where there are none.
    """

    def __init__(
        self,
        policy: Policy,
        lifecycle: Lifecycle,
        gate: SchedulerGate,
        trail: AuditTrail,
        names: tuple[Callable[[str], str], Callable[[str], object]],
        shared: SharedSessions | None,
    ) -> None:
        self._policy = policy
        self._lifecycle = lifecycle
        self._gate = gate
        self._trail = trail
        self._shared = shared
        self._fingerprint, self._register = names
        self._renewers: weakref.WeakSet[Renewer] = weakref.WeakSet()
        # What refused work was told of credentials whose own time was over, until a renewal ends it.
        self._lapsed: OrderedDict[str | None, SessionExpired] = OrderedDict()
        gate.on_open(self._opened)

    def renewer(self, refresh: Ask, load: Ask | None, renew_before: float, timeout: float) -> Renewer:
        """Return a new holder of the credential; see `SessionGuard.auth` for the arguments."""
        policy = self._policy
        as_ = HeldAs(self.fingerprint, policy.scope, policy.refuse_expired, renew_before)
        turns = None if self._shared is None else self._shared.refresh_turns()
        renewer = Renewer(refresh, load, self, as_, turns, timeout)
        self._renewers.add(renewer)
        self._gate.ends_at(None)  # it renews what has ended: work has to come through to it
        return renewer

    def signed_in(self, credential: str | None, replaces: str | None) -> None:
        """Record a sign-in: opens the gate, and gives the credential to those who hold one."""
        session = None if credential is None else self.fingerprint(credential)
        if credential is not None:
            self._tell(credential, replaces)
        self._lifecycle.renew(session, None if replaces is None else self.fingerprint(replaces))
        ends = None if credential is None or not self._policy.refuse_expired else expires_at(credential)
        if ends is not None and session is not None and not self._renewers:
            self._gate.ends_at(ends + LEEWAY_SECONDS, self._lapse(session, ends), self._lapses)

    def is_ours(self, facts: Response) -> bool:
        """Say whether an answer is the end of a session, as far as one answer can be.

        A credential renews itself whatever it was used for, so a 401 counts on every path.
        """
        if facts.status == _UNAUTHORIZED:
            named = self._policy.operation_of_path(facts.path) or self._policy.operations
            facts = replace(facts, operation=named if isinstance(named, str) else next(iter(named)))
        verdict = recognise(Failure(response=facts), self._policy)
        return verdict.drop and verdict.grade == "fact"

    # `Effects`

    def fingerprint(self, credential: str) -> str:
        """See `Effects`."""
        self._register(token_of(credential))
        return self._fingerprint(credential)

    def renewed(self, credential: str, replaces: str | None) -> None:
        """See `Effects`."""
        try:
            self._tell(credential, replaces)
            session = self.fingerprint(credential)
            self._lifecycle.renew(session, None if replaces is None else self.fingerprint(replaces))
        except Exception as error:  # noqa: BLE001 - the credential is renewed all the same
            self._trail.fault("refresh", error)

    def refused(self, session: str | None, facts: Response | None) -> None:
        """See `Effects`."""
        try:
            if facts is not None:
                verdict = replace(_STATED, confirmed=True)
                self._lifecycle.observe(Failure(response=facts), verdict)
            elif session is not None or self._policy.scope == "process":
                # Nobody answered a call: it is `refresh` itself that states it.
                stated = Response(status=_UNAUTHORIZED, session=session, began=time.monotonic())
                text = f"{self._policy.provider}: the session's renewal was refused"
                self._lifecycle.observe(Failure(text=text, response=stated), _STATED)
        except Exception as error:  # noqa: BLE001 - the caller gets the backend's answer all the same
            self._trail.fault("refresh", error)

    def refusal(self, session: str | None) -> SessionExpiredError:
        """See `Effects`."""
        try:
            self._gate.check(session=session)
        except SessionExpiredError as error:
            return error
        self._trail.counters.add("refused")
        event = self._lapsed.get(session)
        if event is None:
            event = self._lapse(session, time.time())
            self._remember(event)
            self._lifecycle.published_elsewhere(event)  # reports of refused work refer to it
        return SessionExpiredError(event)

    def is_dead(self, session: str | None) -> bool:
        """See `Effects`."""
        return not self._gate.is_open_for(session)

    def renewing(self, session: str | None, *, pending: bool) -> None:
        """See `Effects`."""
        self._lifecycle.renewing(session, pending=pending)

    def asked(self, outcome: str) -> None:
        """See `Effects`."""
        self._trail.counters.add("refreshes", outcome)

    def _tell(self, credential: str, replaces: str | None) -> None:
        ends = expires_at(credential) if self._policy.refuse_expired else None
        if ends is not None and time.time() >= ends + LEEWAY_SECONDS:
            # Work is refused at once and for ever, whoever signs in: a clock is wrong, or it is no new one.
            self._trail.counters.add("violations", "expired_at_renewal")
        for renewer in tuple(self._renewers):
            renewer.told(credential, replaces)

    def _opened(self) -> None:
        for renewer in tuple(self._renewers):
            renewer.heard()
        over = [one for one in self._lapsed.values() if self._gate.is_open_for(one.session)]
        for event in over:
            self._lapsed.pop(event.session, None)
        if over:
            ended = tuple(event.id for event in over)
            self._trail.write(RenewalRecord(at=time.time(), session=over[0].session, expiries=ended))

    def _lapses(self, event: SessionExpired) -> None:
        self._remember(event)
        self._lifecycle.publish(event)

    def _remember(self, event: SessionExpired) -> None:
        self._lapsed[event.session] = event
        while len(self._lapsed) > _MOST_SESSIONS:
            self._lapsed.popitem(last=False)

    def _lapse(self, session: str | None, ends: float) -> SessionExpired:
        """Return the event of a credential whose own time is over: nobody has confirmed it."""
        event = SessionExpired(
            source=self._policy.source,
            reason=f"{self._policy.provider}: the credential has expired by its own `exp`",
            provider=self._policy.provider,
            operation="unknown",
            status=_UNAUTHORIZED,
            session=session,
            confirmed=False,
            at=datetime.now(UTC),
            trace_id=None,
        )
        if self._shared is None:
            return event
        # The same in every process, so that handlers can tell that it is one.
        return replace(event, id=self._shared.expiry_id(session, round(ends * 1e6)))
