"""What failed below a span: bounded, expiring memory by trace and span id, shared by one guard's processors.

A child ends before its parent. So what is added under the parent's id when a child ends is known when the
parent ends, and is handed on to the parent's own parent, up to the root.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

from sentry_filters import Failure, SessionGuard
from sentry_filters.evidence import Response, SpanMemory
from sentry_filters.forking import after_fork_in_child
from sentry_filters.guard import parts_of

_MOST_TEXTS = 8
_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFailure:
    """What failed below one span.

    Args:
        failure: The expired session's failure, None where only other things failed.
        texts: Error texts of the spans that are that failure.
        other_texts: Error texts of other calls that failed.
        ambiguous_status: Whether another call failed whose status is not known to be a different one: a bare
            "401" may be that call's.
        other_failed: Whether anything else failed at all.
    """

    failure: Failure | None = None
    texts: frozenset[str] = frozenset()
    other_texts: frozenset[str] = frozenset()
    ambiguous_status: bool = False
    other_failed: bool = False

    def merged_with(self, later: ChildFailure) -> ChildFailure:
        """Return both together; the first failure stays."""
        if self is NOTHING_FAILED or later is NOTHING_FAILED:
            return later if self is NOTHING_FAILED else self
        return ChildFailure(
            failure=self.failure or later.failure,
            texts=_shortest(self.texts | later.texts),
            other_texts=_shortest(self.other_texts | later.other_texts),
            ambiguous_status=self.ambiguous_status or later.ambiguous_status,
            other_failed=self.other_failed or later.other_failed,
        )

    def or_recorded(self, response: Response | None, trace_id: str) -> ChildFailure:
        """Return this with the failed response that `instrument` recorded as its failure, if there is one."""
        return (
            self if response is None else replace(self, failure=Failure(response=response, trace_id=trace_id))
        )


NOTHING_FAILED = ChildFailure()


class Lineage:
    """Remembers what failed below the spans that are still open. Thread-safe and fork-safe.

    `is_empty` is true while nothing failed lately: the healthy process pays one look at it.
    """

    def __init__(self) -> None:
        self._memory: SpanMemory[ChildFailure] = SpanMemory(seconds=_SECONDS)
        self._lock = threading.Lock()
        self.is_empty = True
        self._forgotten_at = 0.0
        after_fork_in_child(self._reset_lock)

    def child_failure(self, trace_id: str, span_id: str) -> ChildFailure:
        """Return what failed below this span, `NOTHING_FAILED` itself where nothing is known."""
        if time.monotonic() >= self._forgotten_at:
            self.is_empty = True
        return self._memory.get(trace_id, span_id) or NOTHING_FAILED

    def add(self, trace_id: str, span_id: str | None, child_failure: ChildFailure) -> None:
        """Add what failed below this span; None stands for the parent of a root, or one elsewhere."""
        if span_id is None or child_failure == NOTHING_FAILED:
            return
        self._forgotten_at = time.monotonic() + _SECONDS
        self.is_empty = False
        with self._lock:
            earlier = self._memory.get(trace_id, span_id)
            merged = child_failure if earlier is None else earlier.merged_with(child_failure)
            if merged != earlier:
                self._memory.put(trace_id, span_id, merged)

    def _reset_lock(self) -> None:
        self._lock = threading.Lock()


def lineage_of(guard: SessionGuard) -> Lineage:
    """Return the lineage that all of a guard's processors share."""
    lineage: Lineage = parts_of(guard).extensions.setdefault("otel.lineage", Lineage())
    return lineage


def _shortest(texts: frozenset[str]) -> frozenset[str]:
    return texts if len(texts) <= _MOST_TEXTS else frozenset(sorted(texts, key=len)[:_MOST_TEXTS])
