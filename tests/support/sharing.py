"""Processes that share their sessions, without a server: each guard stands for one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

from sentry_filters import SessionExpired
from sentry_filters.core.shared import RefreshTurns, SharedLife, SharedSessions, Turn


class Hub:
    """Carries what its processes announce to all the others, at once."""

    def __init__(self, turns: RefreshTurns | None = None) -> None:
        self.turns = Turns() if turns is None else turns
        self.processes: list[Process] = []

    def process(self) -> SharedSessions:
        """Return what one more process shares its sessions by."""
        self.processes.append(Process(self))
        return self.processes[-1]


class Process:
    """One process's end of the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.life: SharedLife

    @property
    def key(self) -> bytes:
        return b"shared"

    def of_backend(self, provider: str) -> SharedSessions:
        raise ValueError(f"{provider}: the hub carries the news of one backend")

    def expiry_id(self, session: str | None, after: int) -> str:
        return hashlib.sha256(f"{session} {after}".encode()).hexdigest()[:16]

    def refresh_turns(self) -> RefreshTurns:
        return self._hub.turns

    def attach(self, lifecycle: SharedLife) -> None:
        self.life = lifecycle

    def announce(self, event: SessionExpired, after: int, begun_at: float) -> None:
        self.life.count("announced")
        self.life.publish(event)
        for life in self._others():
            life.adopt_expiry(event.session, event, after)

    def renewed(self, session: str | None, stamp: int, credential: str | None) -> None:
        for life in self._others():
            life.adopt_renewal(session, stamp, credential, everyone=session is None)

    def recovered(self, session: str | None, stamp: int) -> None:
        for life in self._others():
            life.adopt_renewal(session, stamp, None, everyone=False)

    def close(self, timeout: float) -> None:
        if self in self._hub.processes:
            self._hub.processes.remove(self)

    def _others(self) -> Iterable[SharedLife]:
        return [one.life for one in self._hub.processes if one is not self]


class Turns:
    """Turns as the other processes leave them, and what became of those that were won.

    Args:
        answers: What each claim in turn is answered; the last one from then on.
        latest: Whether nobody else had a turn since.
    """

    def __init__(self, *answers: Turn, latest: bool = True) -> None:
        self._answers = list(answers) or [Turn("won", claim="1")]
        self._latest = latest
        self.claimed: list[str | None] = []
        self.settled: list[str] = []

    def claim(self, session: str | None) -> Turn:
        self.claimed.append(session)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def settle(self, turn: Turn, outcome: Literal["renewed", "refused", "unavailable"]) -> None:
        self.settled.append(f"{turn.claim} {outcome}")

    def is_latest(self, turn: Turn) -> bool:
        return self._latest
