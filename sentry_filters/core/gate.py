"""The gate that halts LLM work between the end of a session and the next sign-in."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from sentry_filters.core.gate_ends import End, Ends
from sentry_filters.core.openings import Openings
from sentry_filters.core.session import SessionExpired, SessionExpiredError
from sentry_filters.core.work import SessionOf, Work
from sentry_filters.forking import after_fork_in_child

Finder = Callable[[BaseException], SessionExpired | None]
"""Finds the expiry that an error is the failure of; never raises."""

_MOST_SESSIONS = 10_000
_ALL = ""


class SchedulerGate:
    """Open while there is a live session. Thread-safe, and usable from asyncio.

    With `scope="process"` any expiry closes the gate for all work. With `scope="session"` one whose
    credential is known closes it for that session only: name the session in each call.

    Args:
        scope: `Policy.scope`.
        on_refused: Called whenever `check` refuses work; must not raise.
        provider: `Policy.provider`, the only valid value for `provider` below.
    """

    def __init__(
        self,
        scope: Literal["process", "session"] = "process",
        on_refused: Callable[[], object] = lambda: None,
        provider: str | None = None,
    ) -> None:
        self._scope = scope
        self._provider = provider
        self._on_refused = on_refused
        self._changed = threading.Condition()
        self._closed_by: OrderedDict[str, SessionExpired] = OrderedDict()
        self._ends = Ends(scope)
        self._openings = Openings()
        self._refused = 0
        self._latest: SessionExpired | None = None
        self._find: Finder = lambda _: None
        after_fork_in_child(self._reset_lock)

    def __repr__(self) -> str:
        return f"<SchedulerGate {'open' if self.is_open else 'closed'}>"

    @property
    def is_open(self) -> bool:
        """Whether LLM work of no particular session may run."""
        return self._closing(None) is None

    @property
    def refused(self) -> int:
        """How many times `check` has refused work so far: the calls that the gate saved."""
        return self._refused

    @property
    def closed(self) -> int:
        """The number of sessions whose work is halted; with `scope="process"`, 1 while it is closed."""
        return min(len(self._closed_by), 1) if self._scope == "process" else len(self._closed_by)

    def is_open_for(self, session: str | None) -> bool:
        """Say whether LLM work of the session with this fingerprint may run."""
        return self._closing(session) is None

    def is_closed_by(self, expiry: str, session: str | None) -> bool:
        """Say whether it is closed by the expiry with this id, of the session with this fingerprint."""
        with self._changed:
            event = self._closed_by.get(self._key(expiry, session))
        return event is not None and event.id == expiry

    def of(self, provider: str | None) -> SchedulerGate:
        """Return the gate of one backend, for code that works with that one alone; None stands for all.

        Raises:
            ValueError: There is no such backend.
        """
        if provider not in (None, self._provider):
            raise ValueError(f"gate: invalid provider {provider!r}; expected {self._provider!r}")
        return self

    def check(self, *, session: str | None = None, provider: str | None = None) -> None:
        """Return at once while the gate is open.

        Args:
            session: Fingerprint of the session (`SessionGuard.fingerprint`).
            provider: The backend that will be called, if there are several; None stands for any of them, and
                is refused while the gate of one is closed.

        Raises:
            SessionExpiredError: It is closed.
            ValueError: There is no such backend.
        """
        self.of(provider)
        event = self._closing(session)
        if event is None:
            return
        self._tell_of_end(session)
        with self._changed:
            self._refused += 1
            self._on_refused()
        raise SessionExpiredError(event)

    def wait(
        self, timeout: float | None = None, *, session: str | None = None, provider: str | None = None
    ) -> bool:
        """Block until the gate is open; KeyboardInterrupt and exceptions of other signal handlers propagate.

        Args:
            timeout: The longest time to wait, in seconds; None for no limit.
            session: As for `check`.
            provider: As for `check`.

        Returns:
            Whether it is open; False if the time ran out first.
        """
        self.of(provider)
        self._tell_of_end(session)
        with self._changed:
            return self._changed.wait_for(lambda: self._closing(session) is None, timeout)

    async def wait_async(
        self, timeout: float | None = None, *, session: str | None = None, provider: str | None = None
    ) -> bool:
        """Like `wait`, without blocking the event loop; may be cancelled."""
        self.of(provider)
        self._tell_of_end(session)
        try:
            async with asyncio.timeout(timeout):
                while (opened := self._opened_later(session)) is not None:
                    await opened
        except TimeoutError:
            return False
        return True

    def found_by(self, error: BaseException) -> SessionExpired | None:
        """Return the expiry that `error` is a failure of, if a job's own call has failed because of it.

        If nobody else has seen the failure, the gate closes now and the expiry is published. Never raises.

        Args:
            error: What ended the job.

        Returns:
            The expiry, which may be over by now: a job whose session was renewed in the meantime has failed
            for it all the same. None for any other error.
        """
        return self._find(error)

    def find_with(self, finder: Finder) -> None:
        """Let `finder`, of the guard, answer `found_by`."""
        self._find = finder

    def expiry(self, expiry: str, session: str | None) -> SessionExpired | None:
        """Return the expiry with this id, of this session; the latest where that one is over by now."""
        with self._changed:
            event = self._closed_by.get(self._key(expiry, session))
        return event if event is not None and event.id == expiry else self._latest

    def work(
        self,
        *,
        session: str | SessionOf | None = None,
        provider: str | None = None,
        timeout: float | None = 0.0,
    ) -> Work:
        """Start LLM work only while the gate is open: `with gate.work():`, or `@gate.work()` on a function.

        Args:
            session: Fingerprint of the session; for a decorated function also a callable that computes it
                from the function's arguments.
            provider: As for `check`.
            timeout: Seconds to wait for the renewal; 0 refuses at once, None waits without limit.

        Returns:
            A context manager and decorator, sync and async, which raises `SessionExpiredError` on entry.

        Raises:
            ValueError: `timeout` is negative, or there is no such backend.
        """
        self.of(provider)
        if timeout is not None and not timeout >= 0:
            raise ValueError(f"gate.work: invalid timeout {timeout!r}; expected 0 or more seconds, or None")
        return Work(gate=self, session=session, timeout=timeout)

    def on_open(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` each time the gate opens, for whatever session, on the thread that opens it.

        It must return at once. Its exceptions are logged at WARNING, by type only.

        Returns:
            A function that ends the calls; it may be called more than once.
        """
        return self._openings.on_open(callback)

    def close(self, event: SessionExpired, *, instead_of: str | None = None) -> None:
        """Close the gate for the session that ended, or for all; work that has begun is not stopped.

        Args:
            event: The expiry.
            instead_of: Id of an earlier expiry of the same session; the gate is not open in between.
        """
        with self._changed:
            key = self._key(event.id, event.session)
            self._latest = event
            self._closed_by[key] = event
            self._closed_by.move_to_end(key)
            if self._scope == "process" and instead_of not in (None, event.id):
                self._closed_by.pop(str(instead_of), None)
            while len(self._closed_by) > _MOST_SESSIONS:
                self._closed_by.popitem(last=False)

    def ends_at(
        self,
        moment: float | None,
        event: SessionExpired | None = None,
        tell: Callable[[SessionExpired], object] = lambda _event: None,
    ) -> None:
        """Refuse work from a point in time on, until the next renewal.

        Args:
            moment: In seconds since the epoch; None to refuse no longer.
            event: What refused work is told; with `scope="session"` it holds for its session only.
            tell: Called with it, once, when work is refused for it.
        """
        with self._changed:
            if moment is None or event is None:
                self._ends.forget()
            else:
                self._ends.put(End(moment, event, tell))

    def amend(self, event: SessionExpired) -> None:
        """Replace what is known of an expiry, if it still closes the gate."""
        with self._changed:
            if self.is_closed_by(event.id, event.session):
                self._closed_by[self._key(event.id, event.session)] = event

    def reopen(self, expiry: str, session: str | None) -> None:
        """Open the gate as far as the expiry with this id, of this session (a fingerprint), closes it."""
        with self._changed:
            if self.is_closed_by(expiry, session):
                self._closed_by.pop(self._key(expiry, session), None)
            futures = self._wake()
        self._openings.opened(futures)

    def open(self, session: str | None = None) -> None:
        """Open the gate for all, or with `scope="session"` for the session of this fingerprint."""
        with self._changed:
            self._ends.forget(session)
            if self._scope == "session" and session is not None:
                self._closed_by.pop(session, None)
                self._closed_by.pop(_ALL, None)
            else:
                self._closed_by.clear()
            futures = self._wake()
        self._openings.opened(futures)

    def _key(self, expiry: str, session: str | None) -> str:
        # Of one session the latest expiry counts; of a process every one, since each ends by itself.
        return session or _ALL if self._scope == "session" else expiry

    def _wake(self) -> set[asyncio.Future[None]]:
        self._changed.notify_all()
        return self._openings.taken()

    def _closing(self, session: str | None) -> SessionExpired | None:
        with self._changed:
            if self._scope == "process":
                closing = next(reversed(self._closed_by.values()), None)
            else:
                closing = self._closed_by.get(_ALL) or self._closed_by.get(session or _ALL)
            if closing is None:
                end = self._ends.over(session)
                closing = None if end is None else end.event
        return closing

    def _tell_of_end(self, session: str | None) -> None:
        """Without a call nothing fails: who is to sign in hears of it when work is refused."""
        with self._changed:
            end = self._ends.to_tell(session)
        if end is not None:
            end.tell(end.event)  # outside of the lock: it logs

    def _opened_later(self, session: str | None) -> asyncio.Future[None] | None:
        with self._changed:
            return None if self._closing(session) is None else self._openings.awaited()

    def _reset_lock(self) -> None:
        self._changed = threading.Condition()
        self._openings.start_afresh()
