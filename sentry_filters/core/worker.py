"""A thread that does one thing after the other, and exists only while there is something to do."""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable

from sentry_filters.forking import after_fork_in_child

Job = Callable[[], object]
NO_THREAD = (RuntimeError, MemoryError)
"""What starting a thread raises where the system has none left."""

_IDLE_SECONDS = 5.0


class Worker:
    """Runs jobs in order, each in an empty `contextvars.Context`, in a daemon thread of its own.

    Thread-safe; its lock is re-entrant, so that a signal handler or a finalizer may add a job while its own
    thread adds one. A forked child starts without jobs: those belong to the parent.

    Args:
        name: The thread's name.
        longest: How many jobs may wait.
        failed: Called with what a job raised; must not raise.
    """

    _thread: threading.Thread | None
    _late: Job | None
    _late_at: float
    _began: float | None

    def __init__(self, name: str, longest: int, failed: Callable[[BaseException], object]) -> None:
        self._name = name
        self._longest = longest
        self._failed = failed
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    def put(self, job: Job) -> bool:
        """Add `job`; never blocks.

        Returns:
            Whether there was room.

        Raises:
            RuntimeError, MemoryError: No thread can be started; the job waits for the next one that can.
        """
        with self._changed:
            if len(self._jobs) >= self._longest:
                return False
            self._jobs.append(job)
            self._see_to_thread()
        return True

    def put_later(self, job: Job, seconds: float) -> None:
        """Run `job` in so many seconds, or as soon as somebody waits in `flush`; one at a time.

        RuntimeError or MemoryError as for `put`.
        """
        with self._changed:
            self._late = job
            self._late_at = time.monotonic() + seconds
            self._see_to_thread()

    def flush(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until nothing is left to do.

        It does not wait where no thread can be started, nor in the worker's own thread.
        """
        with self._changed:
            if not self._pending():
                return True
            if threading.current_thread() is self._thread:
                return False
            self._flushing += 1
            try:
                self._see_to_thread()
                return self._changed.wait_for(lambda: not self._pending(), max(0.0, timeout))
            except NO_THREAD:
                return False
            finally:
                self._flushing -= 1

    def end(self) -> None:
        """Let the thread end as soon as nothing is left to do, without waiting out its idle time."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def busy_for(self) -> float:
        """Return for how many seconds the present job has been running, 0 where there is none."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    def _pending(self) -> bool:
        return bool(self._jobs) or self._late is not None or self._began is not None

    def _see_to_thread(self) -> None:
        """Start or wake the thread; to be called with the lock held."""
        if self._thread is not None:
            self._changed.notify_all()
            return
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            self._thread.start()
        except NO_THREAD:
            self._thread = None
            raise

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                contextvars.Context().run(job)
            except BaseException as error:  # noqa: BLE001 - one job must not end the thread that does the others
                self._failed(error)
            with self._changed:
                self._began = None
                self._changed.notify_all()

    def _next(self) -> Job | None:
        """Return the next job; None where this thread has to end."""
        with self._changed:
            idle_at = time.monotonic() + _IDLE_SECONDS
            while True:
                if self._thread is not threading.current_thread():
                    return None  # a job has forked: the child has no worker yet
                now = time.monotonic()
                job = self._due(now)
                if job is not None:
                    self._began = now
                    return job
                if self._late is None and (self._ending or now >= idle_at):
                    self._thread = None
                    return None
                self._changed.wait((idle_at if self._late is None else self._late_at) - now)

    def _due(self, now: float) -> Job | None:
        if self._jobs:
            return self._jobs.popleft()
        if self._late is None or not (self._flushing or self._ending or now >= self._late_at):
            return None
        job, self._late = self._late, None
        return job

    def _start_afresh(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._jobs: deque[Job] = deque()
        self._late = None
        self._began = None
        self._thread = None
        self._flushing = 0
        self._ending = False
