"""The life of a session, in one place: it expires, is renewed, and does both for what other processes found.

Every part that recognises a failure, signs in or hears from another process asks here. So the gate, the bus,
the audit and the other processes cannot disagree.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol

from sentry_filters.core.bus import EventBus
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict, operation_of
from sentry_filters.core.records import AuditTrail, ExpiryRecord, RedactsText, RenewalRecord
from sentry_filters.core.session import Observed, SessionExpired, Sessions, Standing
from sentry_filters.evidence import Failure, conventions

_REASON_LENGTH = 200
_REASON_SOURCE_LENGTH = 16_384


class SharedSessions(Protocol):
    """Carries expiries and renewals between processes. After `attach` nothing raises and nothing waits."""

    @property
    def key(self) -> bytes:
        """The key of the fingerprints, the same in every process."""

    def expiry_id(self, session: str | None, renewed_at: float | None) -> str:
        """Return the id that every process computes for this expiry.

        Args:
            session: Fingerprint of the credential, None where it is not known.
            renewed_at: The renewal that it followed, in seconds since the epoch.
        """

    def attach(self, lifecycle: Lifecycle) -> None:
        """Begin; ValueError where another guard uses it already."""

    def announce(self, event: SessionExpired, begun_at: float) -> None:
        """Announce an expiry found in this process; exactly one process publishes it.

        Args:
            event: The expiry.
            begun_at: When the failed request began or was reported, in seconds since the epoch.
        """

    def renewed(self, session: str | None, at: float) -> None:
        """Announce a renewal.

        Args:
            session: Fingerprint of the new credential, None for all.
            at: When it was, in seconds since the epoch.
        """

    def close(self, timeout: float) -> None:
        """End; what is under way has `timeout` seconds."""


class Lifecycle:
    """Owns expiring, renewing and adopting. Thread-safe; waits for nothing.

    Args:
        policy: Whose sessions.
        gate: Closed by an expiry, opened by a renewal.
        bus: Carries every expiry that this process publishes.
        trail: Records expiries and renewals, wherever they were found.
        redactor: Cleans the reason; where it raises, the reason is `[REDACTED]`.
        shared: Where other processes hear of an expiry, and where it is settled which one publishes it.
    """

    def __init__(
        self,
        policy: Policy,
        gate: SchedulerGate,
        bus: EventBus,
        trail: AuditTrail,
        redactor: RedactsText,
        shared: SharedSessions | None = None,
    ) -> None:
        self.scope = policy.scope
        self.fault = trail.fault
        names = () if shared is None else (shared.expiry_id,)
        self._sessions = Sessions(policy.scope, policy.renewal_grace, *names)
        self._policy = policy
        self._gate = gate
        self._bus = bus
        self._trail = trail
        self._count = trail.counters.add
        self._redactor = redactor
        self._shared = shared

    def observe(self, failure: Failure, verdict: Verdict) -> Observed:
        """Return where a recognised failure stands; a session's first closes the gate and is published.

        Args:
            failure: The failure.
            verdict: What was recognised.
        """
        observed = self._sessions.observe(failure.session, started_at=failure.started_at, at=failure.at)
        if observed.standing is Standing.FIRST:
            try:
                self._expire(failure, verdict, observed.expiry)
            except Exception:  # raised again: this report is kept, but its repeats will be dropped
                self._count("violations", "drop_without_event")
                raise
        return observed

    def corroborates(self, failure: Failure) -> bool:
        """Say whether the session that a failure speaks of is known to be dead: expired, and not renewed."""
        return self._sessions.is_dead(failure.session)

    def standing_of(self, session: str | None) -> Observed:
        """Return where a failure of this session stands that was observed before; nothing is noted."""
        return self._sessions.decided(session)

    def must_show(self, failure: Failure, observed: Observed) -> bool:
        """Say, once per expiry, whether Sentry has to show a failure since nobody listens."""
        unhandled = observed.standing is not Standing.STALE and not self._bus.is_listening
        return unhandled and self._sessions.show_once(failure.session)

    def renew(self, session: str | None) -> None:
        """Note that a sign-in is done: opens the gate, and informs the other processes and the audit.

        Args:
            session: Fingerprint of the new credential, None where it was not named.
        """
        ended = self._sessions.renew(session)
        if self._shared is not None and self._sessions.renewed_at is not None:
            # Before the gate opens: an expiry adopted now must find that it has ended.
            self._shared.renewed(session, self._sessions.renewed_at)
        self._gate.open(session)
        self._count("renewals")
        self._trail.write(RenewalRecord(at=time.time(), session=session, expiries=ended))

    def publish(self, event: SessionExpired) -> None:
        """Hand an expiry to handlers and observers, and count it; never blocks, never raises."""
        handled = self._bus.is_listening
        self._count("session_expired", event.source, _flag(event.confirmed), _flag(handled))
        self._bus.publish(event)
        self._trail.write(ExpiryRecord(event=event, handled=handled))

    # What other processes found

    def published_elsewhere(self, event: SessionExpired) -> None:
        """Tell the audit of an expiry that another process published; what was dropped refers to it."""
        self._trail.write(ExpiryRecord(event=event, handled=True))

    def adopt_expiry(self, session: str | None, event: SessionExpired, *, running: bool) -> None:
        """Take over an expiry: its session's failures are repeats now, or stale where it was renewed since.

        Args:
            session: Fingerprint of the credential, None where it is not known.
            event: What was published.
            running: Whether no renewal has ended it; then the gate closes.
        """
        self._sessions.adopt(session, event.id, event.at.timestamp(), running=running)
        if running:
            self._gate.close(event)
        self.published_elsewhere(event)

    def adopt_renewal(self, session: str | None, at: float) -> None:
        """Take over a renewal: the gate opens, older failures are stale.

        Args:
            session: Fingerprint of the new credential, None for all.
            at: When it was, in seconds since the epoch.
        """
        ended = self._sessions.renew(session, at)
        self._gate.open(session)
        if ended:
            self._trail.write(RenewalRecord(at=at, session=session, expiries=ended))

    def count(self, event: str) -> None:
        """Count what happened between the processes."""
        self._count("shared", event)

    def _expire(self, failure: Failure, verdict: Verdict, expiry: str | None) -> None:
        event = SessionExpired(
            source=self._policy.source,
            reason=self._reason(failure),
            provider=self._policy.provider,
            operation=self._trail.labels.of(operation_of(failure, self._policy)) or "unknown",
            status=_status(failure),
            session=failure.session,
            confirmed=verdict.confirmed,
            at=datetime.now(UTC),
            trace_id=self._trail.labels.of_id(failure.trace_id),
            id=expiry or "",
        )
        self._gate.close(event)
        if self._shared is None:
            self.publish(event)
        else:
            self._shared.announce(event, _begun_at(failure))

    def _reason(self, failure: Failure) -> str:
        status = _status(failure)
        provider = self._policy.provider
        summary = f"{provider}{conventions.API_ERROR}{status} {HTTPStatus(status).phrase})"
        text = f"{summary}: {failure.body}" if failure.body else failure.text or summary
        try:
            return self._redactor.redact(text[:_REASON_SOURCE_LENGTH])[:_REASON_LENGTH]
        except Exception as error:  # noqa: BLE001 - fail closed: the event goes out, its reason does not
            self.fault("reason", error)
            return "[REDACTED]"


def _status(failure: Failure) -> int:
    status = failure.known_status
    return conventions.SESSION_STATUSES[0] if status is None else status


def _begun_at(failure: Failure) -> float:
    at = failure.at if failure.started_at is None else failure.started_at
    return time.time() if at is None else at


def _flag(value: bool) -> str:  # noqa: FBT001 - it is the thing that is written
    return "true" if value else "false"
