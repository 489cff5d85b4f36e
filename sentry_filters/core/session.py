"""Sessions and their end: once per session an expiry is new, everything after it is a repeat or stale."""

from __future__ import annotations

import enum
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal

from sentry_filters.forking import after_fork_in_child

# Expired credentials that are remembered; the oldest are forgotten first, and would count as new again.
_MOST_SESSIONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionExpired:
    """The app session of the hosted backend has ended; a new sign-in is needed.

    Args:
        source: Who says so: domain, dot, provider in lower case, `_backend`.
        reason: The backend's answer or the reported message, redacted, then cut to 200 characters.
        provider: `Policy.provider`.
        operation: The operation that failed first, `"unknown"` where only its text was seen.
        status: HTTP status, 401 or 403.
        session: Fingerprint of the credential (12 hex digits), None where it is not known.
        confirmed: Whether a response of one of `Policy.hosts` said so, not only a report.
        at: When it was recognised, with time zone.
        trace_id: Trace of the first failure, 32 hex digits, None outside of any.
        id: Names this expiry (16 hex digits): the audit's records of what was dropped for it carry it, too.
    """

    source: str
    reason: str
    provider: str
    operation: str
    status: int
    session: str | None
    confirmed: bool
    at: datetime
    trace_id: str | None
    id: str = field(default_factory=partial(secrets.token_hex, 8), compare=False)


class SessionExpiredError(RuntimeError):
    """LLM work was refused because the session has expired; a new sign-in is needed.

    Args:
        event: The expiry that closed the gate.
    """

    def __init__(self, event: SessionExpired) -> None:
        super().__init__(f"the {event.provider} session has expired; sign in again")
        self.event = event

    def __reduce__(self) -> tuple[type[SessionExpiredError], tuple[SessionExpired]]:
        return type(self), (self.event,)


class Standing(enum.Enum):
    """Where a recognised failure stands in its session's life."""

    FIRST = "first"
    REPEAT = "repeat"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Observed:
    """Where a recognised failure stands, and in which expiry.

    Args:
        standing: Where it stands.
        expiry: The id of its expiry, None for a late failure of a session that was renewed before it expired.
    """

    standing: Standing
    expiry: str | None


@dataclass(slots=True)
class _Expiry:
    announced_at: float
    id: str
    renewed_at: float | None = None
    shown: bool = False


def _random_id(_session: str | None, _renewed_at: float | None) -> str:
    return secrets.token_hex(8)


class Sessions:
    """What is known about the sessions of one guard. Thread-safe; knows nothing of SDKs.

    Args:
        scope: `Policy.scope`.
        renewal_grace: `Policy.renewal_grace`, in seconds.
        expiry_id: Names an expiry by its session and the renewal that it followed; by default at random.
    """

    def __init__(
        self,
        scope: Literal["process", "session"],
        renewal_grace: float,
        expiry_id: Callable[[str | None, float | None], str] = _random_id,
    ) -> None:
        self._expiry_id = expiry_id
        self._scope = scope
        self._renewal_grace = renewal_grace
        self._lock = threading.Lock()
        self._expiries: OrderedDict[str, _Expiry] = OrderedDict()
        self._unnamed: _Expiry | None = None
        # Ids of expiries that no renewal has ended yet, each with its session; and the latest ended one.
        self._running: OrderedDict[str, str | None] = OrderedDict()
        self._ended: str | None = None
        self._expired_now = False
        self._renewed_at: float | None = None
        after_fork_in_child(self._reset_lock)

    def observe(self, session: str | None, *, started_at: float | None, at: float | None) -> Observed:
        """Take note of a recognised failure and return where it stands; FIRST once per session.

        Args:
            session: Fingerprint of the credential, None where unknown: then it is the current session's.
            started_at: When the failed request began, None where unknown; in seconds since the epoch.
            at: When the failure was reported, now by default; used where the start is unknown.
        """
        reported_at = time.time() if at is None else at
        with self._lock:
            if session is None:
                return self._observe_unnamed(started_at, reported_at)
            return self._observe_named(session, started_at, reported_at)

    @property
    def renewed_at(self) -> float | None:
        """When the latest renewal was, in seconds since the epoch."""
        return self._renewed_at

    def renew(self, session: str | None, at: float | None = None) -> tuple[str, ...]:
        """Note that a sign-in is done, with the credential of this fingerprint where it is known.

        Args:
            session: Its fingerprint.
            at: When it was, in seconds since the epoch; now by default.

        Returns:
            The ids of the expiries that it ended.
        """
        with self._lock:
            # Later than any before it, also where the clock was set back: renewals are ordered by it.
            before = self._renewed_at or 0.0
            now = max(time.time(), before + 2e-6) if at is None else at
            self._renewed_at = max(now, before)
            self._expired_now = False
            self._unnamed = None
            if session is not None and session in self._expiries:
                self._expiries[session].renewed_at = now
            return self._end_running(session)

    def _end_running(self, session: str | None) -> tuple[str, ...]:
        everyone = self._scope == "process" or session is None
        ended = [expiry for expiry, ours in self._running.items() if everyone or ours in (session, None)]
        for expiry in ended:
            del self._running[expiry]
        self._ended = ended[-1] if ended else self._ended
        return tuple(ended)

    def adopt(self, session: str | None, expiry: str, at: float, *, running: bool) -> None:
        """Take over an expiry that another process announced.

        Args:
            session: Fingerprint of the credential, None where it is not known.
            expiry: Its id.
            at: When it was announced, in seconds since the epoch.
            running: Whether no renewal has ended it.
        """
        with self._lock:
            # Shown or handled where it was announced.
            adopted = _Expiry(at, expiry, shown=True)
            if session is not None:
                known = self._expiries.get(session)
                if known is None or known.id != expiry:
                    self._remember(session, adopted)
            if not running:
                return
            if session is None:
                self._unnamed = self._unnamed or adopted
            self._expired_now = True
            self._note_running(expiry, session)

    def decided(self, session: str | None) -> Observed:
        """Return where a failure of this session stands that was observed before; nothing is noted."""
        with self._lock:
            known = None if session is None else self._expiries.get(session)
            expiry = self._current() if known is None else known.id
            return Observed(Standing.REPEAT if expiry in self._running else Standing.STALE, expiry)

    def is_dead(self, session: str | None) -> bool:
        """Say whether an expiry of this session was announced and not renewed."""
        with self._lock:
            if session is None:
                return self._scope == "process" and self._expired_now
            known = self._expiries.get(session)
            if known is None:
                return self._scope == "process" and self._unnamed is not None
            return known.renewed_at is None and self._expired_now

    def show_once(self, session: str | None) -> bool:
        """Say whether a failure of this session may be shown in Sentry: once, where nobody listens."""
        with self._lock:
            expiry = self._unnamed if session is None else self._expiries.get(session)
            if expiry is None and self._expired_now:
                expiry = self._latest()
            if expiry is None or expiry.shown:
                return False
            expiry.shown = True
            return True

    def _observe_named(self, session: str, started_at: float | None, at: float) -> Observed:
        expiry = self._expiries.get(session)
        if expiry is None:
            return self._announce_named(session, started_at, at, None)
        if expiry.renewed_at is None:
            return Observed(Standing.REPEAT if self._expired_now else Standing.STALE, expiry.id)
        if self._began_before(expiry.renewed_at, started_at, at):
            return Observed(Standing.STALE, expiry.id)
        return self._announce_named(session, started_at, at, expiry.renewed_at)

    def _announce_named(
        self, session: str, started_at: float | None, at: float, renewed_at: float | None
    ) -> Observed:
        unnamed = self._unnamed
        begun = at if started_at is None else started_at
        # The same expiry may be seen first by a signal that does not know the credential.
        same = self._scope == "process" and unnamed is not None and begun <= unnamed.announced_at
        if same and unnamed is not None:
            expiry = unnamed
        else:
            expiry = _Expiry(time.time(), self._expiry_id(session, renewed_at))
        self._remember(session, expiry)
        self._expired_now = True
        if same:
            return Observed(Standing.REPEAT, expiry.id)
        return self._first(expiry, session)

    def _observe_unnamed(self, started_at: float | None, at: float) -> Observed:
        if self._expired_now:
            return Observed(Standing.REPEAT, self._current())
        if self._renewed_at is not None and self._began_before(self._renewed_at, started_at, at):
            return Observed(Standing.STALE, self._ended)
        self._unnamed = _Expiry(time.time(), self._expiry_id(None, self._renewed_at))
        self._expired_now = True
        return self._first(self._unnamed, None)

    def _remember(self, session: str, expiry: _Expiry) -> None:
        self._expiries[session] = expiry
        self._expiries.move_to_end(session)
        while len(self._expiries) > _MOST_SESSIONS:
            self._expiries.popitem(last=False)

    def _first(self, expiry: _Expiry, session: str | None) -> Observed:
        self._note_running(expiry.id, session)
        return Observed(Standing.FIRST, expiry.id)

    def _note_running(self, expiry: str, session: str | None) -> None:
        self._running[expiry] = session
        while len(self._running) > _MOST_SESSIONS:
            self._running.popitem(last=False)

    def _current(self) -> str | None:
        return next(reversed(self._running)) if self._running else self._ended

    def _began_before(self, renewed_at: float, started_at: float | None, at: float) -> bool:
        if started_at is not None:
            return started_at < renewed_at
        return at < renewed_at + self._renewal_grace

    def _latest(self) -> _Expiry | None:
        return self._unnamed or (next(reversed(self._expiries.values())) if self._expiries else None)

    def _reset_lock(self) -> None:
        self._lock = threading.Lock()
