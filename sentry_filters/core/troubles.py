"""What goes wrong with those who hear of an expired session: counted, logged once, and let known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sentry_filters.core.counters import OneWarning
from sentry_filters.core.session import SessionExpired


@dataclass(frozen=True, slots=True)
class Troubles:
    """Makes one subscriber's troubles visible: each kind is logged once at WARNING, and every case counted.

    Args:
        count: Called with `handler_failed`, `handler_stuck`, `handler_behind` or `handler_waits`; must not
            raise.
        unhandled: Called with an event whose handler raised; must not raise.
    """

    count: Callable[[str], object]
    unhandled: Callable[[SessionExpired], object] = lambda _event: None
    _failed: OneWarning = field(default_factory=OneWarning)
    _stuck: OneWarning = field(default_factory=OneWarning)
    _behind: OneWarning = field(default_factory=OneWarning)
    _waits: OneWarning = field(default_factory=OneWarning)

    def failed(self, error: BaseException) -> None:
        """A handler raised; its message may hold anything, so the type is all that is logged."""
        self.count("handler_failed")
        self._failed("a session-expired handler raised %s", type(error).__name__)

    def stuck(self) -> None:
        """A handler does not come back."""
        self.count("handler_stuck")
        self._stuck("a session-expired handler is stuck; further SessionExpired events wait for it")

    def behind(self) -> None:
        """An event found no room in the queue."""
        self.count("handler_behind")
        self._behind("a session-expired handler cannot keep up; SessionExpired events are lost to it")

    def waits(self) -> None:
        """An event is queued, and there is no thread to handle it."""
        self.count("handler_waits")
        self._waits("a session-expired handler waits: no thread can be started at the moment")
