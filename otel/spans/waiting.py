"""Spans that wait for their parent's end, when more is known about the response than at their own."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from opentelemetry.sdk.trace import ReadableSpan

from sentry_filters.forking import after_fork_in_child

_SpanId = tuple[str, str]


class PendingSpans:
    """A bounded waiting room by the ids of the awaited parent. Thread-safe and fork-safe.

    `is_empty` is true while nothing waits: the healthy process pays one look at it.

    Args:
        size: How many parents are awaited at most; the oldest are given up first.
        seconds: For how long one is.
    """

    def __init__(self, size: int = 1_000, seconds: float = 30.0) -> None:
        self._size = size
        self._seconds = seconds
        self._pending: OrderedDict[_SpanId, tuple[float, list[ReadableSpan]]] = OrderedDict()
        self._lock = threading.Lock()
        self.is_empty = True
        after_fork_in_child(self._start_afresh)

    def add(self, parent: _SpanId, span: ReadableSpan) -> None:
        """Let `span` wait for `parent`."""
        with self._lock:
            self._pending.setdefault(parent, (time.monotonic(), []))[1].append(span)
            self.is_empty = False

    def released(self, ended: _SpanId) -> list[ReadableSpan]:
        """Return those that waited for the span that ended, and those that waited too long."""
        with self._lock:
            _, spans = self._pending.pop(ended, (0.0, []))
            while self._pending:
                since, overdue = next(iter(self._pending.values()))
                if len(self._pending) <= self._size and since > time.monotonic() - self._seconds:
                    break
                self._pending.popitem(last=False)
                spans = overdue + spans
            self.is_empty = not self._pending
        return spans

    def all_released(self) -> list[ReadableSpan]:
        """Return all that wait."""
        with self._lock:
            pending, self._pending = self._pending, OrderedDict()
            self.is_empty = True
        return [span for _, spans in pending.values() for span in spans]

    def _start_afresh(self) -> None:
        # The parent process exports what waited there.
        self._lock = threading.Lock()
        self._pending = OrderedDict()
        self.is_empty = True
