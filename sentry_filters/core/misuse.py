"""What an application does wrong with its sessions, where each failure by itself looks like the user's state.

It is apart from the session's life, and changes nothing in it: what is found turns the audit red.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from sentry_filters.core.counters import OneWarning
from sentry_filters.core.session import Standing
from sentry_filters.core.states import Step

SOON = 60.0
"""Seconds after a sign-in in which no session ends by itself; for how long the gate may lag behind one."""
MOST_IN_VAIN = 3
"""So many sign-ins in vain are a loop: fewer happen where a backend learns of new credentials late."""
_WITHIN = 600.0
_MOST_EXPIRIES = 10_000


class Misuse:
    """Finds it. Its owner holds a re-entrant lock round every call but `several`; never raises.

    Args:
        count: Called with `violations` and the name of what was found; must not raise.
    """

    def __init__(self, count: Callable[[str, str], object]) -> None:
        self._count = count
        self._in_vain: deque[float] = deque(maxlen=MOST_IN_VAIN)
        # Of each expiry, when another credential was first seen to work: None after it was found.
        self._beside: OrderedDict[str, float | None] = OrderedDict()
        self._warn_of_several = OneWarning()

    def failed(self, step: Step) -> None:
        """Note what came of a failure: an end soon after a sign-in, with no success between, was in vain."""
        renewal = step.state.covering
        if step.state.running is None or step.standing is not Standing.FIRST or not renewal.stamp:
            return
        now = time.monotonic()
        if step.state.succeeded >= renewal.at or now - renewal.at > SOON:
            return
        self._in_vain.append(now)
        if len(self._in_vain) == MOST_IN_VAIN and now - self._in_vain[0] <= _WITHIN:
            self._count("violations", "renewed_in_vain")

    def worked_beside(self, expiry: str | None, began: float) -> None:
        """Note that another credential works while an expiry halts all work.

        Either it is the new one, and nobody says `session_renewed`; or it is another user's, and the scope
        is too wide.

        Args:
            expiry: Its id, None where none runs.
            began: When the call that succeeded began.
        """
        if expiry is None:
            return
        now = time.monotonic()
        first = self._beside.setdefault(expiry, now)
        if first is not None and began > first and now - first >= SOON:
            self._beside[expiry] = None
            self._count("violations", "working_session_halted")
        while len(self._beside) > _MOST_EXPIRIES:
            self._beside.popitem(last=False)

    def several(self) -> None:
        """Warn once that several credentials are in use, of which each can halt the others' work."""
        self._warn_of_several(
            'sentry-filters: several credentials in use: set scope="session", or one expiry halts all work'
        )
