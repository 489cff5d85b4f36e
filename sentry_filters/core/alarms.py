"""One thread that calls back later: what waits for the end of a healing window."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

from sentry_filters.core.counters import Fault
from sentry_filters.forking import after_fork_in_child

Alarm = Callable[[], None]


class Alarms:
    """Calls each alarm once, in a daemon thread that runs only while there is one. Thread-safe; never raises.

    Args:
        fault: Takes note of what an alarm raises.
    """

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Alarm]] = []
        self._thread: threading.Thread | None = None
        after_fork_in_child(self._start_afresh)

    def after(self, seconds: float, alarm: Alarm) -> None:
        """Call `alarm` in so many seconds; at once where no thread can be started."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), alarm))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sentry-filters-alarms", daemon=True)
                try:
                    self._thread.start()
                except (RuntimeError, MemoryError):
                    self._thread = None
            started = self._thread is not None
            self._changed.notify_all()
        if not started:
            self.ring_all()

    def ring_all(self) -> None:
        """Call now what is due later: the process ends."""
        with self._changed:
            due, self._due = sorted(self._due), []
            self._changed.notify_all()
        for _, _, alarm in due:
            self._ring(alarm)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._due:
                    self._thread = None
                    return
                seconds = self._due[0][0] - time.monotonic()
                if seconds > 0:
                    self._changed.wait(seconds)
                    continue
                _, _, alarm = heapq.heappop(self._due)
            self._ring(alarm)

    def _ring(self, alarm: Alarm) -> None:
        try:
            alarm()
        except Exception as error:  # noqa: BLE001 - one alarm must not end the others' thread
            self._fault("alarm", error)

    def _start_afresh(self) -> None:
        # What is due in the parent, the parent does.
        self._changed = threading.Condition()
        self._due = []
        self._thread = None
