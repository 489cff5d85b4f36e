"""When credentials' own time is over: work is refused from then on, until the next renewal."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sentry_filters.core.session import SessionExpired

_MOST_SESSIONS = 10_000
_ALL = ""


@dataclass(slots=True)
class End:
    """When a credential's own time is over, in seconds since the epoch, and who has to know of it then."""

    at: float
    event: SessionExpired
    tell: Callable[[SessionExpired], object]
    told: bool = False


class Ends:
    """The ends that are known. Its gate holds its own lock round every call.

    Args:
        scope: `Policy.scope`: one end for all work, or one for each session.
    """

    def __init__(self, scope: Literal["process", "session"]) -> None:
        self._scope = scope
        self._ends: OrderedDict[str, End] = OrderedDict()

    def put(self, end: End) -> None:
        """Know an end, in the place of an earlier one of its session."""
        self._ends[self._key(end.event.session)] = end
        while len(self._ends) > _MOST_SESSIONS:
            self._ends.popitem(last=False)

    def forget(self, session: str | None = None) -> None:
        """Forget the end of this session and that of all work; without a session, every end."""
        if session is None:
            self._ends.clear()
        else:
            self._ends.pop(session, None)
            self._ends.pop(_ALL, None)

    def over(self, session: str | None) -> End | None:
        """Return the end that work of this session has come to, None where it has not."""
        if not self._ends:
            return None
        end = self._ends.get(self._key(session))
        return end if end is not None and time.time() >= end.at else None

    def to_tell(self, session: str | None) -> End | None:
        """Return the end that work of this session has come to, the first time that it is asked for."""
        end = self.over(session)
        if end is None or end.told:
            return None
        end.told = True
        return end

    def _key(self, session: str | None) -> str:
        return session or _ALL if self._scope == "session" else _ALL
