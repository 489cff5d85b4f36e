"""The envelopes that are being redacted: who flushes waits for those of other threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sentry_filters.forking import after_fork_in_child


class InFlight:
    """Thread-safe. A copy, a pickle and a forked child begin with nothing in flight."""

    def __init__(self) -> None:
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return type(self)()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Let an envelope be in flight in the block."""
        envelope = object()
        with self._landed:
            self._threads[envelope] = threading.get_ident()
        try:
            yield
        finally:
            with self._landed:
                self._threads.pop(envelope, None)  # none in a child that was forked in the block
                self._landed.notify_all()

    def wait(self, timeout: float) -> float:
        """Block until what other threads have in flight now has landed; return what is left of the time.

        Args:
            timeout: Seconds to wait at most.
        """
        own = threading.get_ident()
        with self._landed:
            waited_for = {envelope for envelope, thread in self._threads.items() if thread != own}
            if not waited_for or timeout <= 0:
                return timeout
            until = time.monotonic() + timeout
            self._landed.wait_for(lambda: waited_for.isdisjoint(self._threads), timeout)
        return max(0.0, until - time.monotonic())

    def _start_afresh(self) -> None:
        self._landed = threading.Condition()
        self._threads: dict[object, int] = {}
