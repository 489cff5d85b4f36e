"""How an expiry is told: to the handlers, the log and the audit, at once or after the healing window."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import Protocol

from sentry_filters.core import expiries
from sentry_filters.core.alarms import Alarms
from sentry_filters.core.bus import EventBus
from sentry_filters.core.policy import Policy
from sentry_filters.core.records import EXPIRY_EXTRA, AuditTrail, ExpiryRecord, RedactsText
from sentry_filters.core.session import SessionExpired
from sentry_filters.core.states import Due, Elapsed, Published, Step
from sentry_filters.evidence import Failure
from sentry_filters.forking import after_fork_in_child

_log = logging.getLogger("sentry_filters")


class _Happened(Protocol):
    def __call__(self, expiry: str, session: str | None, event: Elapsed | Published) -> Step:
        """Let this happen to the session that the expiry was found in."""


class Teller:
    """Tells of expiries; holds no lock while it does.

    Args:
        policy: Whose sessions, and how long the healing window is.
        bus: Carries events to the handlers.
        trail: Counts and records them.
        redactor: Cleans the reason.
        happened: Lets the sessions know what became of an expiry.
        announce: Hands an expiry to the other processes, with the renewal that it followed and the moment the
            failed call began; one of them publishes it. None where there are none.
    """

    def __init__(
        self,
        policy: Policy,
        bus: EventBus,
        trail: AuditTrail,
        redactor: RedactsText,
        happened: _Happened,
        announce: Callable[[SessionExpired, int, float], None] | None,
    ) -> None:
        self._policy = policy
        self._bus = bus
        self._trail = trail
        self._redactor = redactor
        self._happened = happened
        self._announce = announce
        self._alarms = Alarms(trail.fault)
        self._waiting: dict[str, tuple[SessionExpired, Callable[[], None]]] = {}
        after_fork_in_child(self._start_afresh)

    @property
    def waiting(self) -> Collection[str]:
        """The ids of the expiries in their healing window."""
        return tuple(self._waiting)

    def finished(self, draft: SessionExpired, failure: Failure) -> SessionExpired:
        """Return the event of an expiry with everything that had to be redacted first; never raises."""
        return expiries.finished(draft, failure, self._policy, self._trail, self._redactor)

    def tell(self, event: SessionExpired, after: int, begun_at: float, *, later: bool) -> None:
        """Tell of an expiry that was found here.

        Args:
            event: The expiry.
            after: The renewal that it followed, in microseconds since the epoch; 0 without one.
            begun_at: When the failed request began, in seconds since the epoch.
            later: Whether to wait for the end of the healing window.
        """
        announce = self._announce
        tell = partial(self.publish, event) if announce is None else partial(announce, event, after, begun_at)
        if not later:
            tell()
            return
        self._waiting[event.id] = (event, tell)
        self._alarms.after(self._policy.healing_window, partial(self.elapsed, event.id, event.session))

    def elapsed(self, expiry: str, session: str | None) -> None:
        """Tell of an expiry whose window is over, unless it was healed or told of elsewhere."""
        step = self._happened(expiry, session, Elapsed(expiry))
        running = step.state.running
        waiting = self._waiting.pop(expiry, None)
        if waiting is None:
            return
        event, tell = waiting
        # A repeat may have found out first that the window is over.
        found_out = running is not None and running.id == expiry and running.told and running.handled is None
        if Due.PUBLISH in step.due or found_out:
            tell()
        else:  # nobody has to act, but what was dropped refers to it
            self._trail.write(ExpiryRecord(event=event, handled=True))

    def publish(self, event: SessionExpired) -> None:
        """Hand an expiry to handlers and observers, and count it; never blocks.

        In shadow mode nobody hears of it; whether somebody would have is known all the same.
        """
        if self._policy.mode == "shadow":
            self._happened(event.id, event.session, Published(event.id, self._bus.is_listening))
            return
        handled = self._bus.publish(event)
        self._trail.counters.add("session_expired", event.source, _flag(event.confirmed), _flag(handled))
        self._happened(event.id, event.session, Published(event.id, handled))
        _log.warning(
            "the session has expired (domain=%s, operation=%s, provider=%s, status=%d): sign in again",
            self._policy.domain, event.operation, event.provider, event.status,
            extra={EXPIRY_EXTRA: event.id},
        )  # fmt: skip
        self._trail.write(ExpiryRecord(event=event, handled=handled))

    def unhandled(self, event: SessionExpired) -> None:
        """Note that a handler failed to act on an expiry: a failure of it is to be shown. Never raises."""
        if self._policy.mode == "shadow":
            return
        try:
            self._happened(event.id, event.session, Published(event.id, handled=False))
            self._trail.write(ExpiryRecord(event=event, handled=False))
        except Exception as error:  # noqa: BLE001 - other handlers must not fail by it
            self._trail.fault("unhandled", error)

    def unrenewed(self, event: SessionExpired | None, expiry: str) -> None:
        """Let the audit know that nobody acts on an expiry, whoever was told.

        Args:
            event: The expiry, as the gate has it.
            expiry: Its id; nothing is noted where the gate has another one by now.
        """
        if event is not None and event.id == expiry:
            self._trail.write(ExpiryRecord(event=event, handled=False))

    def close(self) -> None:
        """Tell now what waits for the end of its window: the process ends."""
        self._alarms.ring_all()

    def _start_afresh(self) -> None:
        self._waiting = {}  # the parent's to tell


def _flag(value: bool) -> str:  # noqa: FBT001 - it is the thing that is written
    return "true" if value else "false"
