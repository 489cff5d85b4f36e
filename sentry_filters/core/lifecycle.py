"""What several processes know together about their sessions, whatever carries it between them."""

from __future__ import annotations

from typing import Protocol

from sentry_filters.core.counters import Counters
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.session import SessionExpired, Sessions


class Teller(Protocol):
    """What a `Decider` does with what the processes find out together."""

    def publish(self, event: SessionExpired) -> None:
        """Publish an expiry to this process's handlers."""

    def published_elsewhere(self, event: SessionExpired) -> None:
        """Write down an expiry that another process published: what is dropped here refers to it."""

    def renewed_elsewhere(self, session: str | None, at: float, expiries: tuple[str, ...]) -> None:
        """Write down a renewal that another process was told, and the expiries that it ended."""

    def fault(self, place: str, error: BaseException) -> None:
        """Count what went wrong."""


class Adopter:
    """This process's end: takes over what other processes found out. Thread-safe; waits for nothing.

    Args:
        sessions: What is known here.
        gate: Closed and opened by what is taken over.
        counters: Where it is counted, as `shared`.
        teller: Publishes, and tells this process's observers.
        scope: `Policy.scope`.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        gate: SchedulerGate,
        counters: Counters,
        teller: Teller,
        scope: str,
    ) -> None:
        self._sessions = sessions
        self._gate = gate
        self._counters = counters
        self.publish = teller.publish
        self.note = teller.published_elsewhere
        self._note_renewal = teller.renewed_elsewhere
        self.fault = teller.fault
        self.scope = scope

    def expired(self, session: str | None, event: SessionExpired, *, running: bool) -> None:
        """Take over an expiry: its session's failures are repeats now, or stale where it was renewed since.

        Args:
            session: Fingerprint of the credential, None where it is not known.
            event: What was published.
            running: Whether no renewal has ended it; then the gate closes.
        """
        self._sessions.adopt(session, event.id, event.at.timestamp(), running=running)
        if running:
            self._gate.close(event)
        self.note(event)

    def renewed(self, session: str | None, at: float) -> None:
        """Take over a renewal: the gate opens, older failures are stale.

        Args:
            session: Fingerprint of the new credential, None for all.
            at: When it was, in seconds since the epoch.
        """
        ended = self._sessions.renew(session, at)
        self._gate.open(session)
        self._note_renewal(session, at, ended)

    def count(self, event: str) -> None:
        """Count what happened between the processes."""
        self._counters.add("shared", event)


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

    def attach(self, adopter: Adopter) -> None:
        """Begin; ValueError where another guard uses it already."""

    def announce(self, event: SessionExpired, begun_at: float) -> None:
        """Tell the others of an expiry found here; exactly one process publishes it.

        Args:
            event: The expiry.
            begun_at: When the failed request began or was reported, in seconds since the epoch.
        """

    def renewed(self, session: str | None, at: float) -> None:
        """Tell the others of a renewal.

        Args:
            session: Fingerprint of the new credential, None for all.
            at: When it was, in seconds since the epoch.
        """

    def close(self, timeout: float) -> None:
        """End; what is under way has `timeout` seconds."""
