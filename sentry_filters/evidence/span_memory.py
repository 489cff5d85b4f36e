"""What the wire said lately, found again by trace and span: bounded, expiring, thread-safe."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Generic, TypeVar

from sentry_filters.forking import after_fork_in_child

Value = TypeVar("Value")


class SpanMemory(Generic[Value]):
    """Remembers one value for a span of a trace, for a while.

    Args:
        size: Entries at most; the oldest are forgotten first.
        seconds: How long an entry is kept.
    """

    def __init__(self, size: int = 10_000, seconds: float = 600.0) -> None:
        self._size = size
        self._seconds = seconds
        self._entries: OrderedDict[tuple[str, str], tuple[float, Value]] = OrderedDict()
        self._lock = threading.RLock()
        after_fork_in_child(self._reset_lock)

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, trace_id: str, span_id: str, value: Value) -> None:
        """Remember `value` for this span, in place of what was remembered."""
        now = time.monotonic()
        with self._lock:
            self._entries[trace_id, span_id] = (now, value)
            self._entries.move_to_end((trace_id, span_id))
            while len(self._entries) > self._size or self._oldest() < now - self._seconds:
                self._entries.popitem(last=False)

    def get(self, trace_id: str, span_id: str) -> Value | None:
        """Return what is remembered for this span, None where nothing is, or no longer."""
        if not self._entries:
            return None
        with self._lock:
            at, value = self._entries.get((trace_id, span_id), (0.0, None))
        return value if value is not None and at >= time.monotonic() - self._seconds else None

    def forget(self, trace_id: str, span_id: str) -> None:
        """Forget this span."""
        with self._lock:
            self._entries.pop((trace_id, span_id), None)

    def _oldest(self) -> float:
        return next(iter(self._entries.values()))[0]

    def _reset_lock(self) -> None:
        self._lock = threading.RLock()
