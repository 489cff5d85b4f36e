"""Arq: LLM jobs keep their place in the queue, later, while the gate is closed."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from arq import ArqRedis, Retry
from arq.constants import job_key_prefix, retry_key_prefix
from arq.worker import RetryJob

from sentry_filters.core import SchedulerGate, SessionExpired, SessionExpiredError, SessionOf
from sentry_filters.schedulers.backoff import Backoff

_log = logging.getLogger("sentry_filters")

_FOUND = "sentry-filters:arq:found:"
"""Begins the keys under which Redis counts how often a job itself found the session expired."""
_FOUND_SECONDS = 86_400

Function = TypeVar("Function", bound=Callable[..., Coroutine[Any, Any, object]])


class Postponed:
    """Makes arq functions LLM jobs: while the gate is closed a worker moves them back in the queue.

    The job keeps its id and its key, no try is used up (`max_tries`), its result is still to come, and the
    time that it is put off does not count for `_expires`. It needs the worker's `retry_jobs`, which is on by
    default. The same where the function raises `SessionExpiredError` in mid-flight, or the failure of a call
    of its own in which the guard recognises the expired session, at most `backoff.discoveries` times: it will
    start again from its beginning. Any other exception is the application's own. A renewal wakes what waits;
    what a worker put off that is gone starts after `backoff` at the latest.

    Use it as a decorator, below whatever names the function: `@Postponed(guard.gate)`.

    Args:
        gate: The gate of the worker's guard.
        session: Computes the fingerprint of the session from the job's arguments, without `ctx`.
        backoff: When a postponed job asks again.

    Raises:
        TypeError: What is decorated is not a coroutine function.
    """

    def __init__(
        self, gate: SchedulerGate, *, session: SessionOf | None = None, backoff: Backoff | None = None
    ) -> None:
        self._gate = gate
        self._session = session
        self._backoff = Backoff() if backoff is None else backoff
        self._lock = threading.Lock()
        self._sleepers: dict[str, _Sleeper] = {}
        gate.on_open(self._wake)

    def __call__(self, function: Function) -> Function:
        """Return `function` as an LLM job, under its own name."""
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"invalid job {function!r}; expected a coroutine function")

        @functools.wraps(function)
        async def run(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> Any:
            session = None if self._session is None else self._session(*args, **kwargs)
            try:
                self._gate.check(session=session)
                return await function(ctx, *args, **kwargs)
            except SessionExpiredError as error:
                event = error.event
            except Exception as error:  # any but what found an expiry is raised again
                found = await self._found_by(ctx, error)
                if found is None:
                    raise
                event, session = found, session or found.session
            raise Retry(await self._put_off(ctx, session, self._backoff.seconds(event)))

        return cast("Function", run)

    async def _found_by(self, ctx: dict[Any, Any], error: Exception) -> SessionExpired | None:
        """Return the expiry that a job's own call found, None where the error is to be the job's."""
        if isinstance(error, Retry | RetryJob) or not self._backoff.discoveries:
            return None
        event = self._gate.found_by(error)
        if event is None:
            return None
        # A job of that id may be queued again: when it was queued makes it this one.
        key = f"{_FOUND}{ctx['job_id']}:{ctx['enqueue_time'].timestamp()}"
        try:
            async with ctx["redis"].pipeline(transaction=True) as pipe:
                pipe.incr(key)
                pipe.expire(key, _FOUND_SECONDS)
                times, _ = await pipe.execute()
        except Exception as fault:  # noqa: BLE001 - what cannot be counted would have no end
            _log.warning("sentry-filters: arq: a job could not be postponed: %s", type(fault).__name__)
            return None
        return event if times <= self._backoff.discoveries else None

    async def _put_off(self, ctx: dict[Any, Any], session: str | None, delay: float) -> float | None:
        sleeper = _Sleeper(ctx["job_id"], session, ctx["redis"], asyncio.get_running_loop())
        try:
            if not await sleeper.put_off(delay):
                return delay  # its queue is not the pool's own: arq moves it, and nothing wakes it early
        except Exception as error:  # noqa: BLE001 - arq moves the job itself, which costs a try, not the job
            _log.warning("sentry-filters: arq: a job could not be postponed: %s", type(error).__name__)
            return delay
        with self._lock:
            self._sleepers[sleeper.job] = sleeper
        if self._gate.is_open_for(session):
            self._wake()
        return None

    def _wake(self) -> None:
        with self._lock:
            awake = [one for one in self._sleepers.values() if self._gate.is_open_for(one.session)]
            for one in awake:
                del self._sleepers[one.job]
        for one in awake:
            one.wake_soon()


@dataclass(slots=True, eq=False)
class _Sleeper:
    """One postponed job in Redis: moved as by arq's own `Retry`, but without the try, and to be woken."""

    job: str
    session: str | None
    _redis: ArqRedis
    _loop: asyncio.AbstractEventLoop
    _task: asyncio.Task[None] | None = None

    async def put_off(self, delay: float) -> bool:
        """Move the job back by `delay` seconds and give its try back; False where the queue does not have it.

        Moving it here, not by `Retry(delay)`, settles the order: a later wake cannot be overwritten by arq.
        """
        milliseconds = round(delay * 1000)
        start = time.time_ns() // 1_000_000 + milliseconds
        lifetime = await self._redis.pttl(job_key_prefix + self.job)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.decr(retry_key_prefix + self.job)
            if lifetime > 0:
                pipe.pexpire(job_key_prefix + self.job, lifetime + milliseconds)
            pipe.zadd(self._redis.default_queue_name, {self.job: start}, xx=True, ch=True)
            *_, moved = await pipe.execute()
        return bool(moved)

    def wake_soon(self) -> None:
        """Let the job start now; for any thread. Nothing happens where it or its worker is gone."""
        with contextlib.suppress(RuntimeError):  # the loop was closed
            self._loop.call_soon_threadsafe(self._start_waking)

    def _start_waking(self) -> None:
        self._task = self._loop.create_task(self._wake())  # the task's own callbacks hold it

    async def _wake(self) -> None:
        try:
            now = time.time_ns() // 1_000_000
            await self._redis.zadd(self._redis.default_queue_name, {self.job: now}, xx=True)
        except Exception as error:  # noqa: BLE001 - the job is safe in its queue and starts a little later
            _log.warning(
                "sentry-filters: arq: a postponed job could not be resumed: %s", type(error).__name__
            )
