"""The errors in which an expiry was found: what a job that ends with one of them has failed of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from weakref import WeakKeyDictionary

from sentry_filters.core.decision import Decision
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.session import SessionExpired
from sentry_filters.forking import after_fork_in_child

_MOST_LINKS = 64


class Discoveries:
    """Remembers errors for as long as they exist. Thread-safe; never raises.

    An instance of a class of the interpreter's own, such as `RuntimeError`, cannot be remembered.

    Args:
        gate: Knows the expiries.
    """

    def __init__(self, gate: SchedulerGate) -> None:
        self._gate = gate
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    def remember(self, error: object, decision: Decision, session: str | None) -> SessionExpired | None:
        """Note that `error` was decided about; return the expiry that it is a failure of.

        Args:
            error: What was reported; anything but an exception is ignored.
            decision: What was decided.
            session: Fingerprint of the session that the failure names.
        """
        if decision.expiry is None or not isinstance(error, BaseException):
            return None
        event = self._gate.expiry(decision.expiry, session)
        if event is not None:
            with suppress(TypeError), self._lock:  # it may be impossible to refer to it weakly, or to hash it
                self._found[error] = event
        return event

    def of(self, error: BaseException) -> SessionExpired | None:
        """Return the expiry that was found in `error`, or in what it was explicitly raised from."""
        for link in _causes(error):
            with suppress(TypeError), self._lock:
                event = self._found.get(link)
                if event is not None:
                    return event
        return None

    def _start_afresh(self) -> None:
        self._lock = threading.RLock()
        self._found: WeakKeyDictionary[BaseException, SessionExpired] = WeakKeyDictionary()


def _causes(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(_MOST_LINKS):
        if link is None:
            return
        yield link
        link = link.__cause__
