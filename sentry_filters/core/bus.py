"""Who hears of an expired session: each subscriber in a thread of its own, isolated from the others."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import queue
import threading
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from sentry_filters.core.counters import OneWarning
from sentry_filters.core.session import SessionExpired
from sentry_filters.forking import after_fork_in_child

_log = logging.getLogger("sentry_filters")

Handler = Callable[[SessionExpired], Awaitable[object] | object]
"""Called with each `SessionExpired`; may be a coroutine function."""

# Expiries are rare; a subscriber this far behind is stuck.
_LONGEST_QUEUE = 100
_IDLE_SECONDS = 5.0
_NO_THREAD = (RuntimeError, MemoryError)


class Subscription:
    """One handler with its own bounded queue and its own daemon thread, which runs only while needed.

    Events reach the handler in order, in an empty `contextvars.Context`: a handler that itself reports to
    Sentry must not inherit the failing call's tags. What a handler raises is logged at WARNING, by type
    only. What does not fit into the queue is dropped, and logged once.
    """

    def __init__(self, handler: Handler, forget: Callable[[Subscription], None]) -> None:
        self._handler = handler
        self._forget = forget
        self._events: queue.SimpleQueue[SessionExpired | None] = queue.SimpleQueue()
        self._idle = threading.Condition()
        self._pending = 0
        self._thread: threading.Thread | None = None
        self._warn = OneWarning()
        after_fork_in_child(self._start_afresh)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self, timeout: float = 2.0) -> bool:
        """End the subscription; events already queued are still handled.

        Args:
            timeout: Seconds to wait for the handler; what takes longer continues in its daemon thread.

        Returns:
            Whether the queue was emptied in that time.
        """
        self._forget(self)
        emptied = self.flush(timeout)
        self._events.put_nowait(None)  # its thread need not wait out its idle time
        return emptied

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until everything queued so far is handled, for at most `timeout` seconds."""
        if threading.current_thread() is self._thread:
            return False  # a handler that closes its own subscription must not wait for itself
        deadline = time.perf_counter() + timeout
        with self._idle:
            try:
                self._see_to_thread()
            except _NO_THREAD:
                return False
            return self._idle.wait_for(lambda: self._pending == 0, max(0.0, deadline - time.perf_counter()))

    def put(self, event: SessionExpired) -> bool:
        """Queue `event` for the handler, and say whether it had room; never blocks.

        RuntimeError or MemoryError where no thread can be started: the event stays for the next one that can.
        """
        with self._idle:
            if self._pending >= _LONGEST_QUEUE:
                self._warn("a handler is stuck; SessionExpired events are dropped for it")
                return False
            self._pending += 1
            self._events.put_nowait(event)
            self._see_to_thread()
            return True

    def _see_to_thread(self) -> None:
        """Start the thread where there is work and none; to be called with `_idle` held."""
        if self._thread is not None or not self._pending:
            return
        self._thread = threading.Thread(target=self._run, name="sentry-filters-handler", daemon=True)
        try:
            self._thread.start()
        except _NO_THREAD:
            self._thread = None
            raise

    def _run(self) -> None:
        while True:
            try:
                event = self._events.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                event = None
            if event is None:
                with self._idle:
                    if self._pending:
                        continue
                    self._thread = None
                    return
            try:
                contextvars.Context().run(self._handle, event)
            except BaseException as error:  # noqa: BLE001 - one handler must not end its thread nor the others
                _log.warning("a session-expired handler raised %s", type(error).__name__)
            with self._idle:
                self._pending -= 1
                self._idle.notify_all()

    def _handle(self, event: SessionExpired) -> None:
        answer = self._handler(event)
        if inspect.isawaitable(answer):
            asyncio.run(_awaited(answer))

    def _start_afresh(self) -> None:
        # What was queued belongs to the parent, whose thread continues with it.
        self._events = queue.SimpleQueue()
        self._idle = threading.Condition()
        self._pending = 0
        self._thread = None


class EventBus:
    """Carries `SessionExpired` to those who subscribed. Thread-safe; publishing never blocks."""

    def __init__(self) -> None:
        self._subscriptions: tuple[Subscription, ...] = ()
        self._observers: tuple[Subscription, ...] = ()
        self._lock = threading.Lock()
        after_fork_in_child(self._reset_lock)

    @property
    def is_listening(self) -> bool:
        """Whether the application subscribed; observers do not count."""
        return bool(self._subscriptions)

    def subscribe(self, handler: Handler) -> Subscription:
        """Call `handler` with every `SessionExpired` from now on, in a thread of its own.

        Returns:
            The subscription; close it, or use it as a context manager, to end it.
        """
        subscription = Subscription(handler, self._forget)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def observe(self, handler: Handler) -> Subscription:
        """As `subscribe`, for emitters and the like, which do not count as somebody who will act."""
        observer = Subscription(handler, self._forget)
        with self._lock:
            self._observers = (*self._observers, observer)
        return observer

    def publish(self, event: SessionExpired) -> bool:
        """Hand `event` to every subscription's queue and return; never blocks, never raises.

        Returns:
            Whether every subscriber's queue took it.
        """
        taken = True
        for subscription in self._subscriptions:
            taken = self._put(subscription, event) and taken
        for observer in self._observers:
            self._put(observer, event)
        return taken

    def close(self, timeout: float = 2.0) -> None:
        """End all subscriptions, waiting at most `timeout` seconds in all for handlers to finish."""
        deadline = time.perf_counter() + timeout
        # Observers first: `is_listening` has to be as it was at the moment of the expiry.
        for subscription in (*self._observers, *self._subscriptions):
            subscription.close(max(0.0, deadline - time.perf_counter()))

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait, at most `timeout` seconds in all, until every event published so far is handled."""
        deadline = time.perf_counter() + timeout
        subscriptions = (*self._subscriptions, *self._observers)
        emptied = [one.flush(max(0.0, deadline - time.perf_counter())) for one in subscriptions]
        return all(emptied)

    def _put(self, subscription: Subscription, event: SessionExpired) -> bool:
        try:
            return subscription.put(event)
        except _NO_THREAD:
            _log.warning("a session-expired handler waits: no thread can be started at the moment")
            return True

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions = tuple(one for one in self._subscriptions if one is not subscription)
            self._observers = tuple(one for one in self._observers if one is not subscription)

    def _reset_lock(self) -> None:
        self._lock = threading.Lock()


async def _awaited(answer: Awaitable[object]) -> None:
    await answer
