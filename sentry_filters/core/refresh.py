"""One renewal of the session's credential for all threads and tasks of a process, and for all processes.

Whoever needs a new credential joins the flight that is under way, or starts one: a thread of its own, so that
no event loop and no caller's cancellation stands in its way. It knows no client.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time

from sentry_filters.core.refresh_asking import Ask, Asking, RefreshRefused
from sentry_filters.core.refresh_flight import Effects, Flight, Outcome
from sentry_filters.core.refresh_held import LEASE_SECONDS, Held, HeldAs, Tries, session_of
from sentry_filters.core.shared import RefreshTurns, Turn
from sentry_filters.core.worker import NO_THREAD
from sentry_filters.evidence import Response, token_of
from sentry_filters.forking import after_fork_in_child

_log = logging.getLogger("sentry_filters")
_Loop = asyncio.AbstractEventLoop | None
_LOOK_SECONDS = 0.25  # how often who waits for another process looks for himself


class Renewer:
    """Holds the credential and renews it. Thread-safe; a forked child has flights of its own.

    Args:
        refresh: The application's: returns a new credential; see `SessionGuard.auth`.
        load: The application's: returns the current credential; None where there is only `refresh`.
        effects: What comes of it.
        held_as: How a credential is kept.
        turns: Settles with the other processes whose turn it is; needs `load`.
        timeout: Seconds that a caller waits at most.
    """

    def __init__(
        self,
        refresh: Ask,
        load: Ask | None,
        effects: Effects,
        held_as: HeldAs,
        turns: RefreshTurns | None,
        timeout: float,
    ) -> None:
        self._refresh = refresh
        self._load = load
        self._asking = Asking(LEASE_SECONDS)
        self._effects = effects
        self._held_as = held_as
        self._turns = None if load is None else turns
        self._timeout = timeout
        self._held: Held | None = None
        self._refused: str | None = None  # session, `-` for none, whose renewal was refused
        self._is_unproven = False  # no call with the new credential has worked yet
        self._news = False
        self._trouble: Exception | None = None
        self._flight: Flight | None = None
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    # What callers need: nothing here waits

    def before(self, loop: _Loop = None) -> Flight | None:
        """Return what a caller, in this event loop, has to wait for before its call is sent, or None."""
        held = self._held
        if (held is not None and not self._news and not held.is_due()) or self._asking.is_inside:
            return None
        with self._lock:
            return self._needed(loop)

    def after(self, sent: str, loop: _Loop = None) -> Flight | None:
        """Return the flight that replaces a credential that was refused, None where nobody has to wait.

        Args:
            sent: The credential.
            loop: The caller's event loop.
        """
        with self._lock:
            held, flight = self._held, self._flight
            if self._asking.is_inside or held is None or held.credential != sent:
                return None  # replaced already
            if flight is not None:
                flight.asks = flight.urgent = True
                return flight
            if not self._is_hopeless(held):
                return self._started(held, loop, asks=True, urgent=True)
        if self._refused != held.session and not held.fresh:  # nobody has been asked to replace this one
            self._effects.renewing(held.session, pending=True)
        return None

    def sendable(self) -> str | None:
        """Return the credential to send now, None for `refresh` itself where there is none yet.

        Raises:
            SessionExpiredError: A new sign-in is needed, or the credential's time is over.
            Exception: There is none, because `load` or `refresh` raised this.
        """
        held = self._held
        if held is not None and (not held.is_over() or self._asking.is_inside):
            return held.credential
        if self._asking.is_inside:
            return None
        session = session_of(held)
        if self._refused == (session or "-"):
            self._effects.refused(session, None)
        elif held is None:
            raise self._trouble or TimeoutError("the session's credential could not be had in time")
        raise self._effects.refusal(session)

    def instead_of(self, sent: str, facts: Response) -> str | None:
        """Return the credential to try again with, None where the caller gets the answer as it came.

        Args:
            sent: The credential that was refused.
            facts: The answer.
        """
        held, refused = self._held, self._refused
        if held is None or held.credential != sent:
            return None if held is None else held.credential
        if refused == held.session and not self._asking.is_inside:
            self._effects.refused(held.session, facts)
        return None

    def worked(self, sent: str) -> None:
        """Note that a call with this credential was not refused."""
        if self._is_unproven and self._held is not None and self._held.credential == sent:
            self._is_unproven = False
            self._tries.forget()

    # What others say

    def heard(self) -> None:
        """Note that the gate was opened: there may be a new credential. Returns at once."""
        if self._asking.is_inside:
            return  # that is this renewal
        if self._refused is not None or self._held_as.scope == "process":
            self._news, self._refused = self._load is not None, None
            self._tries.forget()
        self._heard.set()

    def told(self, credential: str, replaces: str | None) -> None:
        """Take the credential of a sign-in, where there is no `load` that would give it."""
        with self._lock:
            held = self._held
            mine = self._held_as.scope == "process" or (held and token_of(replaces or "") == held.credential)
            if self._load is None and mine and not self._asking.is_inside:
                self._take(self._held_as.held(token_of(credential), fresh=False), held)

    # The flight

    def _needed(self, loop: _Loop) -> Flight | None:
        held, flight = self._held, self._flight
        is_valid = held is not None and held.is_valid()
        if flight is not None:
            return flight if flight.urgent or not is_valid else None
        asks = (held is None or held.is_due()) and not self._is_hopeless(held)
        if not (asks or self._news):
            return None
        return self._started(held, loop, asks=asks, urgent=self._news or not is_valid)

    def _is_hopeless(self, held: Held | None) -> bool:
        return self._refused == (session_of(held) or "-") or not self._tries.may_ask()

    def _started(self, held: Held | None, loop: _Loop, *, asks: bool, urgent: bool) -> Flight:
        flight = self._flight = Flight(time.monotonic() + self._timeout, loop, asks=asks, urgent=urgent)
        thread = threading.Thread(
            target=self._fly, args=(flight, held), name="sentry-filters-refresh", daemon=True
        )
        try:
            thread.start()
        except NO_THREAD as error:
            self._failed(error)
            self._landed(flight)
        return flight

    def _fly(self, flight: Flight, held: Held | None) -> None:
        self._asking.enter()
        try:
            self._renew(flight, held)
        except BaseException as error:  # noqa: BLE001 - whatever it was: it could not be asked, and all continue
            self._failed(error)
        finally:
            self._landed(flight)

    def _landed(self, flight: Flight) -> None:
        with self._lock:
            if self._flight is flight:
                self._flight = None
        flight.end()

    def _failed(self, error: BaseException) -> None:
        if self._held is None:  # else nobody is shown it
            self._trouble = error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
        self._effects.renewing(session_of(self._held), pending=True)
        self._tries.failed()
        _log.warning("sentry-filters: the credential could not be renewed: %s", type(error).__name__)

    def _renew(self, flight: Flight, held: Held | None) -> None:
        self._news = False
        if self._looked(flight, held):
            held = self._held
            if held is None or not held.is_due():
                return
            # What `load` gave is to be renewed, too; but it can be sent meanwhile, if it has not ended.
            flight.asks, flight.urgent = True, not held.is_valid()
        with self._lock:
            if not flight.asks:
                self._flight = None  # who asks from now on starts another
                return
        session, turns = session_of(held), self._turns
        self._effects.renewing(session, pending=True)
        outcome = self._asked(flight, held) if turns is None else self._in_turn(turns, flight, held)
        if outcome == "refused":
            self._refused = session or "-"
        if outcome != "unavailable":
            self._effects.renewing(session, pending=False)

    def _in_turn(self, turns: RefreshTurns, flight: Flight, held: Held | None) -> Outcome:
        while True:
            self._heard.clear()
            turn = turns.claim(session_of(held))
            if turn.state == "alone":
                return self._asked(flight, held)
            if turn.state == "refused":
                return "refused"
            if turn.state == "won":
                return self._with(turns, turn, flight, held)
            if turn.state == "paused":
                self._tries.pause(turn.seconds)
            if turn.state == "paused" or not flight.left:
                return "unavailable"
            self._heard.wait(min(_LOOK_SECONDS, flight.left))
            if self._looked(flight, held):
                return "renewed"

    def _with(self, turns: RefreshTurns, turn: Turn, flight: Flight, held: Held | None) -> Outcome:
        outcome: Outcome = "unavailable"
        try:
            # Who had the turn before may have stored a new one in this moment.
            outcome = "renewed" if self._looked(flight, held) else self._asked(flight, held, turn)
        finally:
            turns.settle(turn, outcome)
        return outcome

    def _looked(self, flight: Flight, held: Held | None) -> bool:
        """Say whether `load` gives a credential that is another one than this, and take it."""
        loaded = None if self._load is None else self._asking.of(self._load, flight.loop)
        if loaded is None or (held is not None and loaded == held.credential):
            return False
        self._take(self._held_as.held(loaded, fresh=False), held)
        if held is None:
            return True
        # Others' renewals come by their own messages, where there are any; who is without has to say it.
        if (self._turns is None and flight.asks) or self._effects.is_dead(held.session):
            self._effects.renewed(loaded, held.credential)
        return True

    def _asked(self, flight: Flight, held: Held | None, turn: Turn | None = None) -> Outcome:
        credential = self._answer(flight, held)
        if credential is None:
            return "refused"
        # A turn that lasted too long may have been followed by another, whose credential is the later one.
        late = turn is not None and self._turns is not None and not self._turns.is_latest(turn)
        if late and self._looked(flight, held):
            return "renewed"
        if self._take(self._held_as.held(credential, fresh=True), held):
            self._effects.renewed(credential, None if held is None else held.credential)
        return "renewed"

    def _answer(self, flight: Flight, held: Held | None) -> str | None:
        self._tries.begin()
        outcome: Outcome = "unavailable"
        try:
            credential = self._asking.of(self._refresh, flight.loop)
            if held is not None and credential == held.credential:
                raise ValueError("refresh() returned the credential that it was to replace")
            outcome = "refused" if credential is None else "renewed"
        except RefreshRefused:
            outcome = "refused"
            return None
        finally:
            self._effects.asked(outcome)
        return credential

    def _take(self, new: Held, instead_of: Held | None) -> bool:
        """Hold a credential from now on; False where a sign-in has brought another in the meantime."""
        with self._lock:
            if self._held is not instead_of:
                return False
            self._held, self._refused, self._trouble, self._is_unproven = new, None, None, True
            return True

    def _start_afresh(self) -> None:
        self._lock = threading.RLock()  # a signal handler's call may come in the middle of its own thread's
        self._heard = threading.Event()
        self._tries = Tries()
        self._flight = None
