"""What failed below a span: bounded, expiring memory by trace and span id, shared by one guard's processors.

A child ends before its parent. So what is noted under the parent's id when a child ends is known when the
parent ends, and is handed on to the parent's own parent, up to the root.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from sentry_filters import Failure
from sentry_filters.evidence import SpanMemory
from sentry_filters.forking import after_fork_in_child

_MOST_TEXTS = 8
_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """What failed below one span.

    Args:
        failure: The expired session's failure, None where only other things failed.
        texts: Error texts of the spans that are that failure.
        other_texts: Error texts of other calls that failed.
        rival: Whether another call failed whose status is not known to be a different one: a bare "401" may
            be its.
        others: Whether anything else failed at all.
    """

    failure: Failure | None = None
    texts: frozenset[str] = frozenset()
    other_texts: frozenset[str] = frozenset()
    rival: bool = False
    others: bool = False

    def merged_with(self, later: Below) -> Below:
        """Return both together; the first failure stays."""
        return Below(
            failure=self.failure or later.failure,
            texts=_few(self.texts | later.texts),
            other_texts=_few(self.other_texts | later.other_texts),
            rival=self.rival or later.rival,
            others=self.others or later.others,
        )


class Lineage:
    """Remembers what failed below the spans that are still open. Thread-safe and fork-safe.

    `is_empty` is true while nothing failed lately: the healthy process pays one look at it.
    """

    def __init__(self) -> None:
        self._memory: SpanMemory[Below] = SpanMemory(seconds=_SECONDS)
        self._lock = threading.Lock()
        self.is_empty = True
        self._forgotten_at = 0.0
        after_fork_in_child(self._reset_lock)

    def below(self, trace_id: str, span_id: str) -> Below | None:
        """Return what failed below this span, None where nothing is known."""
        if time.monotonic() >= self._forgotten_at:
            self.is_empty = True
        return self._memory.get(trace_id, span_id)

    def note(self, trace_id: str, span_id: str | None, below: Below) -> None:
        """Add what failed below this span; None stands for the parent of a root, or one elsewhere."""
        if span_id is None:
            return
        self._forgotten_at = time.monotonic() + _SECONDS
        self.is_empty = False
        with self._lock:
            known = self._memory.get(trace_id, span_id)
            merged = below if known is None else known.merged_with(below)
            if merged != known:
                self._memory.put(trace_id, span_id, merged)

    def _reset_lock(self) -> None:
        self._lock = threading.Lock()


def _few(texts: frozenset[str]) -> frozenset[str]:
    return texts if len(texts) <= _MOST_TEXTS else frozenset(sorted(texts, key=len)[:_MOST_TEXTS])
