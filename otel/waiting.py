"""Where spans and log records wait for the end of a span, when more is known about their call."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sentry_filters.forking import after_fork_in_child

_Item = TypeVar("_Item")
_NEVER = float("inf")


@dataclass(slots=True)
class Group(Generic[_Item]):
    """What waits together.

    Args:
        trace_id: The trace of all of it.
        since: When the first began to wait, by `time.monotonic`.
        items: In the order of their end.
        awaited: The spans whose ends it has waited for.
    """

    trace_id: int
    since: float
    items: list[_Item] = field(default_factory=list)
    awaited: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, trace_id: int, item: _Item) -> Group[_Item]:
        """Return a group of one that has waited for nothing."""
        return cls(trace_id, time.monotonic(), [item])


class WaitingRoom(Generic[_Item]):
    """Lets items wait for the end of a span, for a bounded time. Bounded, thread-safe and fork-safe.

    It is asked by trace, so that a healthy trace pays one look at it, whatever waits in others. Whoever owns
    it asks for `overdue` whenever an item comes by: nothing is given up, and nothing is forgotten.

    Args:
        size: How many items wait at most; the oldest are overdue first.
        seconds: For how long one does.
    """

    def __init__(self, size: int = 10_000, seconds: float = 30.0) -> None:
        self._size = size
        self._seconds = seconds
        self._due = _NEVER
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    def concerns(self, trace_id: int) -> bool:
        """Say whether anything of this trace waits."""
        return trace_id in self._traces

    def add(
        self, trace_id: int, awaited: int, items: Iterable[_Item], group: Group[_Item] | None = None
    ) -> None:
        """Let items wait for the end of the span `awaited`, behind those that do already.

        Args:
            trace_id: Their trace.
            awaited: The span.
            items: In the order of their end.
            group: What waited together before, if they go on waiting: all of it, before `items`.
        """
        with self._lock:
            since = time.monotonic() if group is None else group.since
            here = self._groups.get((trace_id, awaited))
            if here is None:
                here = self._groups[trace_id, awaited] = Group(trace_id, since)
                self._traces.setdefault(trace_id, set()).add(awaited)
            here.since = min(here.since, since)
            added = [*([] if group is None else group.items), *items]
            here.items += added
            here.awaited |= {awaited} if group is None else {awaited, *group.awaited}
            self._count += len(added)
            self.is_empty = False
            self._due = min(self._due, here.since + self._seconds)

    def waiting_for(self, trace_id: int, awaited: int) -> list[_Item]:
        """Return what waits for this span, and goes on waiting."""
        group = self._groups.get((trace_id, awaited))
        return [] if group is None else list(group.items)

    def awaited_in(self, trace_id: int) -> list[int]:
        """Return the spans of this trace that something waits for."""
        with self._lock:
            return list(self._traces.get(trace_id, ()))

    def joined(self, trace_id: int, awaited: int, item: _Item) -> bool:
        """Let `item` wait where something waits for the same span already; say whether it does."""
        with self._lock:
            group = self._groups.get((trace_id, awaited))
            if group is None:
                return False
            group.items.append(item)
            self._count += 1
        return True

    def released(self, trace_id: int, ended: int) -> Group[_Item] | None:
        """Return what waited for the span that ended."""
        with self._lock:
            return self._popped((trace_id, ended))

    def overdue(self) -> list[Group[_Item]]:
        """Return what has waited too long, and what there is no room for."""
        if self._count <= self._size and time.monotonic() < self._due:
            return []
        with self._lock:
            popped = [self._popped(key) for key in self._too_old()]
            while self._count > self._size and self._groups:
                popped.append(self._popped(next(iter(self._groups))))
            self._due = min((group.since for group in self._groups.values()), default=_NEVER) + self._seconds
        return [group for group in popped if group is not None]

    def all_released(self) -> list[Group[_Item]]:
        """Return all that waits."""
        with self._lock:
            groups = list(self._groups.values())
            self._clear()
        return groups

    def _too_old(self) -> list[tuple[int, int]]:
        # With those that would be a moment later: all are looked through each time.
        latest = time.monotonic() - self._seconds * 29 / 30
        return [key for key, group in self._groups.items() if group.since <= latest]

    def _popped(self, key: tuple[int, int]) -> Group[_Item] | None:
        group = self._groups.pop(key, None)
        if group is not None:
            self._count -= len(group.items)
            left = self._traces[key[0]]
            left.discard(key[1])
            if not left:
                del self._traces[key[0]]
            self.is_empty = not self._groups
        return group

    def _clear(self) -> None:
        self._groups: dict[tuple[int, int], Group[_Item]] = {}
        self._traces: dict[int, set[int]] = {}
        self._count = 0
        self._due = _NEVER
        self.is_empty = True

    def _start_afresh(self) -> None:
        # The parent process exports what waited there. Re-entrant: a finalizer may end a span at any moment.
        self._lock = threading.RLock()
        self._clear()
