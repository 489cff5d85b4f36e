"""Failed calls found again where no span tells: by the trace they were made in, else by the task or thread.

LangChain's spans are never the current ones: a call is seen under the span round them, or under none.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Protocol

from sentry_filters.evidence import Response, SpanMemory

_MOST = 16
_LATEST_SECONDS = 60.0  # what failed longer ago than a report and its retries take is another matter
_ROUNDED = 1e-6  # seconds: spans and calls read one clock, and their times are rounded


class Answered(Protocol):
    """A failed call, whose facts may grow."""

    facts: Response


class Nearby:
    """Remembers the latest failed calls of each trace, and of each task or thread: bounded and expiring."""

    def __init__(self) -> None:
        self._by_trace: SpanMemory[tuple[Answered, ...]] = SpanMemory(size=2_000)
        self._by_task: ContextVar[tuple[Answered, ...]] = ContextVar("sentry_filters_failed", default=())

    def put(self, answered: Answered, traces: Iterable[str]) -> None:
        """Remember a failed call of the current task.

        Args:
            answered: The call, whatever host answered: a third party's is what makes ours uncertain.
            traces: The traces that it was made in.
        """
        self._by_task.set((*self._by_task.get()[1 - _MOST :], answered))
        for trace_id in set(traces):
            known = self._by_trace.get(trace_id, "") or ()
            self._by_trace.put(trace_id, "", (*known[1 - _MOST :], answered))

    def latest(self, trace_id: str | None) -> Response | None:
        """Return the one failure that a report made now can be about, None where there is none, or a choice.

        Args:
            trace_id: The report's trace.
        """
        now = time.time()
        return self.between(trace_id or "", now - _LATEST_SECONDS, now)

    def between(self, trace_id: str, started_at: float, ended_at: float) -> Response | None:
        """Return the one failure that work of a trace can be about, None where there is none, or a choice.

        Args:
            trace_id: The trace; where nothing failed in it that is known, the current task counts.
            started_at: When the work began, in seconds since the epoch; a call began later.
            ended_at: When it ended.
        """
        for answered in (self._by_trace.get(trace_id, "") or (), self._by_task.get()):
            found = [one for one in (each.facts for each in answered) if _began(one, started_at, ended_at)]
            if found:
                alike = {(one.endpoint, one.status, one.session, one.codes) for one in found}
                return found[-1] if len(alike) == 1 and len(answered) < _MOST else None
        return None


def _began(facts: Response, since: float, until: float) -> bool:
    at = facts.started_at
    return at is not None and since - _ROUNDED <= at <= until + _ROUNDED
