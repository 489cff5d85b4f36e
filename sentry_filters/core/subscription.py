"""Those who hear of an expired session: a handler with its own thread, or an iterator in an event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from sentry_filters.core.loops import MakesAwaitable, OwnLoop, run_in, running_loop, wake
from sentry_filters.core.session import SessionExpired
from sentry_filters.core.troubles import Troubles
from sentry_filters.core.worker import NO_THREAD, Job, Worker
from sentry_filters.forking import after_fork_in_child

Handler = Callable[[SessionExpired], Awaitable[object] | object]
"""Called with each `SessionExpired`; may be a coroutine function."""

# All sessions of a process may end at once. Who is further behind than this is stuck.
_LONGEST_QUEUE = 10_000
_STUCK_SECONDS = 30.0


class Subscriber(Protocol):
    """Whoever the bus hands events to."""

    @property
    def is_open(self) -> bool:
        """Whether there is still somebody who can take events."""

    def put(self, event: SessionExpired) -> bool:
        """Take `event` and return at once: whether it will reach somebody. Never raises."""

    def flush(self, timeout: float) -> bool:
        """Wait until everything taken so far is handled, for at most `timeout` seconds."""

    def close(self, timeout: float) -> bool:
        """Take nothing more, and wait as `flush` does."""


class Subscription:
    """One handler with its own bounded queue and its own daemon thread, which runs only while needed.

    Events reach the handler in order, in an empty `contextvars.Context`: a handler that itself reports to
    Sentry must not inherit the failing call's tags. A coroutine function runs in the event loop that ran when
    it was subscribed, else, or once that is closed, in the bus's own.

    Args:
        handler: What is called.
        own_loop: The bus's.
        forget: Called when the subscription is closed.
        troubles: Makes a handler that fails or is stuck visible.
    """

    def __init__(
        self,
        handler: Handler,
        own_loop: OwnLoop,
        forget: Callable[[Subscriber], object],
        troubles: Troubles,
    ) -> None:
        self._handler = handler
        self._loop = running_loop()
        self._own_loop = own_loop
        self._forget = forget
        self._troubles = troubles
        self._worker = Worker("sentry-filters-handler", _LONGEST_QUEUE, troubles.failed)
        after_fork_in_child(self._without_loop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether there is somebody who can take events: until it is closed, when the bus forgets it."""
        return True

    def close(self, timeout: float = 2.0) -> bool:
        """End the subscription; events already queued are still handled.

        Args:
            timeout: Seconds to wait for the handler; what takes longer continues in its daemon thread.

        Returns:
            Whether the queue was emptied in that time.
        """
        self._forget(self)
        emptied = self.flush(timeout)
        self._worker.end()
        if not emptied and self._worker.busy_for() >= timeout > 0:
            self._troubles.stuck()
        return emptied

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until everything queued so far is handled, for at most `timeout` seconds.

        A handler does not wait for itself, nor does what runs in the event loop that it needs.
        """
        here = running_loop()
        needed_here = here is not None and (here is self._loop or self._own_loop.is_running_here())
        return self._worker.flush(0.0 if needed_here else timeout)

    def put(self, event: SessionExpired) -> bool:
        """Queue `event` for the handler; never blocks, never raises.

        Returns:
            Whether the handler will be called with it. False where it has fallen too far behind, or where no
            thread can be started: then it is queued all the same, for the next thread that can.
        """
        if self._worker.busy_for() > _STUCK_SECONDS:
            self._troubles.stuck()
        try:
            queued = self._worker.put(partial(self._deliver, event))
        except NO_THREAD:
            self._troubles.waits()
            return False
        if not queued:
            self._troubles.behind()
        return queued

    def run_later(self, job: Job, seconds: float) -> None:
        """Run `job` on the handler's thread in so many seconds, or with the next `flush`; one at a time.

        RuntimeError or MemoryError where no thread can be started; then it waits for the next one that can.
        """
        self._worker.put_later(job, seconds)

    def _deliver(self, event: SessionExpired) -> None:
        try:
            self._handle(event)
        except BaseException:  # raised again, to the worker, which goes on: whatever it was, nobody has acted
            self._troubles.unhandled(event)
            raise

    def _handle(self, event: SessionExpired) -> None:
        answer = self._handler(event)
        if inspect.isawaitable(answer):
            self._await(lambda: answer)

    def _await(self, call: MakesAwaitable) -> None:
        if self._loop is not None:
            if run_in(self._loop, call):
                return
            self._loop = None
        self._own_loop.run(call)

    def _without_loop(self) -> None:
        self._loop = None  # runs in the parent


class Inbox:
    """The bounded queue of one iterator, which may be read in any event loop.

    Args:
        forget: Called when it is closed.
        troubles: Makes it visible that the reader cannot keep up.
    """

    def __init__(self, forget: Callable[[Subscriber], object], troubles: Troubles) -> None:
        self._forget = forget
        self._troubles = troubles
        self._closed = False
        self._loop = running_loop()
        self._clear()
        after_fork_in_child(self._start_afresh)

    @property
    def is_open(self) -> bool:
        """Whether somebody may still read it: an event loop that was closed reads nothing more."""
        return not self._closed and (self._loop is None or not self._loop.is_closed())

    def put(self, event: SessionExpired) -> bool:
        """Queue `event` for the reader; False where there is none any more, or where it is too far behind."""
        if not self.is_open:
            return False
        with self._changed:
            if len(self._events) >= _LONGEST_QUEUE:
                self._troubles.behind()
                return False
            self._events.append(event)
        self._wake()
        return True

    def flush(self, timeout: float) -> bool:
        """Wait until everything queued so far is taken, for at most `timeout` seconds.

        The reader's own event loop does not wait for itself.
        """
        here = running_loop()
        with self._changed:
            waits = here is None or here is not self._loop
            return self._changed.wait_for(lambda: not self._events, max(0.0, timeout) if waits else 0.0)

    def close(self, timeout: float) -> bool:
        """End the iteration behind what is queued already."""
        self._forget(self)
        self._closed = True
        self._wake()
        return self.flush(timeout) if self._loop is not None and not self._loop.is_closed() else True

    async def take(self) -> SessionExpired:
        """Return the next event, waiting for it; StopAsyncIteration after the last one."""
        while True:
            self._loop = asyncio.get_running_loop()
            future: asyncio.Future[None] = self._loop.create_future()
            with self._changed:
                if self._events:
                    event = self._events.popleft()
                    self._changed.notify_all()
                    return event
                if self._closed:
                    raise StopAsyncIteration
                self._waiting[future] = None
            try:
                await future
            finally:
                self._waiting.pop(future, None)

    def _wake(self) -> None:
        for future in tuple(self._waiting):
            wake(future)

    def _clear(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._events: deque[SessionExpired] = deque()
        self._waiting: dict[asyncio.Future[None], None] = {}

    def _start_afresh(self) -> None:
        # What was read in an event loop is read there, in the parent.
        self._closed = self._closed or self._loop is not None
        self._clear()


class Events(AsyncIterator[SessionExpired]):
    """Every `SessionExpired` since it was made: `async for event in guard.bus.events()`.

    It ends when the bus closes, or by `aclose`. While it exists somebody is listening.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionExpired:
        return await self._inbox.take()

    async def aclose(self) -> None:
        """End the iteration; nobody listens here any more."""
        self._inbox.close(0.0)

    def __del__(self) -> None:
        # Whoever left the loop with `break` does not listen any more.
        self._inbox.close(0.0)
