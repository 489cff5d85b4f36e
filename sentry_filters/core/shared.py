"""The port to the other processes: what carries their news, and what takes it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from sentry_filters.core.counters import Fault
from sentry_filters.core.session import SessionExpired


class SharedLife(Protocol):
    """The sessions of one process, as far as the other processes' news reach them; `Lifecycle` is one."""

    scope: Literal["process", "session"]
    fault: Fault

    def publish(self, event: SessionExpired) -> None:
        """Publish an expiry that was found here, and that this process is to publish."""

    def published_elsewhere(self, event: SessionExpired) -> None:
        """Tell the audit of an expiry that another process published; what was dropped refers to it."""

    def adopt_expiry(self, session: str | None, event: SessionExpired, after: int) -> None:
        """Take over an expiry: its session's failures are repeats now, or stale where it was renewed since.

        Args:
            session: Fingerprint of the credential, None where it is not known.
            event: What was published.
            after: The renewal that it followed, in microseconds since the epoch.
        """

    def adopt_renewal(
        self, session: str | None, stamp: int, credential: str | None, *, everyone: bool
    ) -> None:
        """Take over a renewal: the gate opens, older failures are stale.

        Args:
            session: Fingerprint of the credential whose session was renewed, None where it is not known.
            stamp: When it was, in microseconds since the epoch.
            credential: Fingerprint of the credential that it has now, None where it is not known.
            everyone: Whether every session was renewed.
        """

    def count(self, event: str) -> None:
        """Count what happened between the processes."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The answer to a process that wants to renew a credential.

    Args:
        state: `won`: it is this process's turn; `held`: another process is asking; `paused`: nobody may ask
            for `seconds`; `refused`: another was told to sign in again; `alone`: no other can be reached.
        seconds: See `paused`.
        name: Fingerprint of the credential that is to be replaced, `-` for none.
        claim: Names a turn that was won.
    """

    state: Literal["won", "held", "paused", "refused", "alone"]
    seconds: float = 0.0
    name: str = "-"
    claim: str = ""


class RefreshTurns(Protocol):
    """Lets one process at a time renew a credential. May wait for the network; never raises."""

    def claim(self, session: str | None) -> Turn:
        """Ask for a turn to replace the credential with this fingerprint, None for the first one."""

    def settle(self, turn: Turn, outcome: Literal["renewed", "refused", "unavailable"]) -> None:
        """Give a turn back that was won."""

    def is_latest(self, turn: Turn) -> bool:
        """Say whether nobody else had a turn since this one was won: it may have lasted too long."""


class SharedSessions(Protocol):
    """Carries expiries and renewals between processes. After `attach` nothing raises and nothing waits."""

    @property
    def key(self) -> bytes:
        """The key of the fingerprints, the same in every process."""

    def of_backend(self, provider: str) -> SharedSessions:
        """Return what carries the news of one of a guard's several backends, apart from the others'.

        Raises:
            ValueError: Another guard uses it already.
        """

    def expiry_id(self, session: str | None, after: int) -> str:
        """Return the id that every process computes for this expiry.

        Args:
            session: Fingerprint of the credential, None where it is not known.
            after: The renewal that it followed, in microseconds since the epoch; 0 without one.
        """

    def refresh_turns(self) -> RefreshTurns:
        """Return what lets one process at a time renew a credential."""

    def attach(self, lifecycle: SharedLife) -> None:
        """Begin; ValueError where another guard uses it already."""

    def announce(self, event: SessionExpired, after: int, begun_at: float) -> None:
        """Announce an expiry found in this process; exactly one process publishes it.

        Args:
            event: The expiry.
            after: As for `expiry_id`.
            begun_at: When the failed request began or was reported, in seconds since the epoch.
        """

    def renewed(self, session: str | None, stamp: int, credential: str | None) -> None:
        """Announce a renewal.

        Args:
            session: Fingerprint of the credential whose session was renewed, None for all.
            stamp: When it was, in microseconds since the epoch.
            credential: Fingerprint of the credential that it has now, None where it was not named.
        """

    def recovered(self, session: str | None, stamp: int) -> None:
        """Announce that this session's expiry was none, without a sign-in; arguments as for `renewed`.

        Args:
            session: Fingerprint of the credential, None where it is not known.
            stamp: When it was, in microseconds since the epoch.
        """

    def close(self, timeout: float) -> None:
        """End; what is under way has `timeout` seconds."""
