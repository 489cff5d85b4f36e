"""Keeps the gate as the sessions are: closed for those whose expiry runs, open for all others."""

from __future__ import annotations

from typing import Literal

from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.knowledge import Knowledge
from sentry_filters.core.session import SessionExpired
from sentry_filters.core.states import Renewal, Renewed


class GateKeeper:
    """Closes and opens the gate together with what is known of the sessions.

    Its owner holds a re-entrant lock round every call, so that the gate cannot follow in another order.

    Args:
        scope: `Policy.scope`.
        gate: The gate.
        known: What is known of the sessions.
    """

    def __init__(self, scope: Literal["process", "session"], gate: SchedulerGate, known: Knowledge) -> None:
        self._scope = scope
        self._gate = gate
        self._known = known

    def close(self, event: SessionExpired, name: str | None) -> None:
        """Close it for an expiry of the session of this name, in place of an earlier one of that session."""
        over = self._known.end(*self._known.running(name, everyone=False))
        self._known.began(event.id, name)
        self._gate.close(event, instead_of=over[0] if over else None)
        if self._known.state(name).running is None:  # renewed by a signal handler in between
            self.reopen(event.id, name)

    def renew(self, name: str | None, renewal: Renewal, *, everyone: bool) -> tuple[str, ...]:
        """Take note of a renewal, and open the gate as far as it ends expiries; return their ids."""
        step = self._known.apply(name, Renewed(renewal, everyone))
        return self.open(name, everyone=everyone) if step.due else ()

    def open(self, name: str | None, *, everyone: bool) -> tuple[str, ...]:
        """Open it for a session that was renewed, or for all; return the ids of the expiries that ran."""
        ran = self._known.running(name, everyone=everyone)
        homes = {expiry: self._known.home(expiry, name) for expiry in ran}
        # An expiry that followed the renewal may have been heard of before it: that one still runs.
        over = {expiry: home for expiry, home in homes.items() if not self._known.runs(expiry, home)}
        whole = everyone or (self._scope == "session" and name is not None)
        if whole and len(over) == len(ran):
            self._gate.open(None if everyone else name)
        else:
            for expiry, home in over.items():
                self._gate.reopen(expiry, home)
        return self._known.end(*over)

    def reopen(self, expiry: str, name: str | None) -> None:
        """Open it as far as this expiry, found in the session of this name, closes it."""
        self._known.end(expiry)
        self._gate.reopen(expiry, name)
