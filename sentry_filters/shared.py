"""What several processes know together about their sessions, whatever carries it between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sentry_filters.counters import Counters
from sentry_filters.gate import SchedulerGate
from sentry_filters.session import SessionExpired, Sessions


class Adopter:
    """This process's end: takes over what other processes found out. Thread-safe; waits for nothing.

    Args:
        sessions: What is known here.
        gate: Closed and opened by what is taken over.
        counters: Where it is counted, as `shared`.
        publish: Publishes an expiry to this process's handlers.
        note: Writes down an expiry found here which turned out to be one already published elsewhere.
        fault: Told of what went wrong.
        scope: `Policy.scope`.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        gate: SchedulerGate,
        counters: Counters,
        publish: Callable[[SessionExpired], None],
        note: Callable[[SessionExpired], None],
        fault: Callable[[str, BaseException], None],
        scope: str,
    ) -> None:
        self._sessions = sessions
        self._gate = gate
        self._counters = counters
        self.publish = publish
        self.note = note
        self.fault = fault
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

    def renewed(self, session: str | None, at: float) -> None:
        """Take over a renewal: the gate opens, older failures are stale.

        Args:
            session: Fingerprint of the new credential, None for all.
            at: When it was, in seconds since the epoch.
        """
        self._sessions.renew(session, at)
        self._gate.open(session)

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
