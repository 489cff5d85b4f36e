"""Who waits for a gate to open without blocking a thread: callbacks, and futures of event loops."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from collections.abc import Callable

from sentry_filters.core.loops import wake

_log = logging.getLogger("sentry_filters")


class Openings:
    """Thread-safe. Nothing that it calls can keep the others from being called."""

    def __init__(self) -> None:
        self._callbacks: tuple[Callable[[], object], ...] = ()
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget the futures: in a child process their event loops are gone."""
        self._lock = threading.RLock()
        self._futures: set[asyncio.Future[None]] = set()

    def on_open(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` after each opening, and return what ends it; see `SchedulerGate.on_open`."""
        # An object of its own: the same callback may be given twice, and be ended once.
        opening = functools.partial(callback)
        with self._lock:
            self._callbacks = (*self._callbacks, opening)

        def end() -> None:
            with self._lock:
                self._callbacks = tuple(one for one in self._callbacks if one is not opening)

        return end

    def awaited(self) -> asyncio.Future[None]:
        """Return a future of the running event loop that is done at the next opening."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._futures = {waiting for waiting in self._futures if not waiting.done()} | {future}
        return future

    def taken(self) -> set[asyncio.Future[None]]:
        """Return the futures that wait for the opening that has come."""
        with self._lock:
            futures, self._futures = self._futures, set()
        return futures

    def opened(self, futures: set[asyncio.Future[None]]) -> None:
        """Finish these futures, and call every callback; call it without holding a lock."""
        for future in futures:
            wake(future)
        for opening in self._callbacks:
            try:
                opening()
            except Exception as error:  # noqa: BLE001 - a sign-in must not fail by who waits for it
                _log.warning("sentry-filters: a gate callback raised %s", type(error).__name__)
