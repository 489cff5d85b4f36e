"""Event loops, from the outside: waking who waits in one, running a coroutine in one and waiting for it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import wait

from sentry_filters.core.worker import NO_THREAD
from sentry_filters.forking import after_fork_in_child

MakesAwaitable = Callable[[], Awaitable[object]]
"""Called inside the event loop; what it returns is awaited there."""

# How often a thread that waits for a loop looks whether it was closed: nothing else says so.
_LOOK_SECONDS = 0.2


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, None where there is none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def wake(future: asyncio.Future[None]) -> None:
    """Resolve a future from whichever thread; one of a closed loop has nobody who waits for it."""

    def resolve() -> None:
        if not future.done():
            future.set_result(None)

    with contextlib.suppress(RuntimeError):
        future.get_loop().call_soon_threadsafe(resolve)


def run_in(loop: asyncio.AbstractEventLoop, call: MakesAwaitable) -> bool:
    """Await what `call` makes in `loop`, which runs in another thread, and wait for it.

    A loop that is not running at the moment is waited for: it may run again. What is awaited gets a copy of
    the caller's context.

    Args:
        loop: Where it runs.
        call: Makes what is awaited.

    Returns:
        Whether it has run; False where the loop ended before it began.

    Raises:
        RuntimeError: The loop was closed in the middle of it.
        BaseException: What was raised in the loop.
    """
    began = threading.Event()

    async def run() -> None:
        began.set()
        await call()

    coroutine = run()
    try:
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    except RuntimeError:  # closed
        coroutine.close()
        return False
    while not wait([future], _LOOK_SECONDS).done and not loop.is_closed():
        pass
    if not began.is_set():
        coroutine.close()
        return False
    if not future.done():
        raise RuntimeError("the event loop was closed while a handler ran in it")
    future.result()
    return True


class OwnLoop:
    """One event loop in a daemon thread, made when first needed, and used for everything from then on."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._inherited: asyncio.AbstractEventLoop | None = None
        after_fork_in_child(self._start_afresh)

    def is_running_here(self) -> bool:
        """Say whether the caller runs in this loop."""
        return self._loop is not None and running_loop() is self._loop

    def run(self, call: MakesAwaitable) -> None:
        """Await what `call` makes and wait for it; raises what is raised there.

        Where no thread can be started, it is awaited in a loop of the calling thread.
        """
        try:
            loop = self._started()
        except NO_THREAD:
            asyncio.run(_awaited(call))
            return
        if not run_in(loop, call):  # stopped in this very moment
            asyncio.run(_awaited(call))

    def stop(self) -> None:
        """End the loop: what still runs in it is cancelled. The next use makes a new one."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # closed already
                loop.call_soon_threadsafe(loop.stop)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=_serve, args=(loop,), name="sentry-filters-loop", daemon=True
                )
                try:
                    thread.start()
                except NO_THREAD:
                    loop.close()
                    raise
                self._loop = loop
            return self._loop

    def _start_afresh(self) -> None:
        # The parent's loop is kept, unused: its end would take file descriptors away that both share.
        self._inherited = self._loop
        self._loop = None
        self._lock = threading.RLock()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _awaited(call: MakesAwaitable) -> None:
    await call()
