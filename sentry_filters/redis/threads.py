"""The two threads that write to Redis and listen to it, so that no other thread ever has to."""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import redis
from redis.backoff import EqualJitterBackoff

from sentry_filters.core import SharedLife
from sentry_filters.redis.exchange import Exchange
from sentry_filters.redis.messages import Expiry, MalformedError, Renewal
from sentry_filters.redis.store import Store

_log = logging.getLogger("sentry_filters")

_REFRESH_SECONDS = 2.0
_LISTEN_SECONDS = 0.5
_AWAY = (redis.RedisError, OSError)
# From 0.1 s to 5 s: thousands of processes must not come back in one moment.
_BACKOFF = EqualJitterBackoff(cap=5.0, base=0.1)
_MOST_DOUBLINGS = 10

Connect = Callable[[], tuple[redis.Redis, Store]]
"""Makes a client of its own, and the store behind it; connects to nothing yet."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """An expiry found in this process.

    Args:
        expiry: The expiry.
        begun: When the failed request began, in microseconds since the epoch.
    """

    expiry: Expiry
    begun: int


Job = Announcement | Renewal | None
"""What the speaker is asked for; None to look at the state now."""


class Threads:
    """Writes and listens until `close`; in an outage each process carries on alone.

    Args:
        connect: Makes a client.
        exchange: Where both lead.
        lifecycle: Where outages are counted.
    """

    def __init__(self, connect: Connect, exchange: Exchange, lifecycle: SharedLife) -> None:
        self._connect = connect
        self._exchange = exchange
        self._lifecycle = lifecycle
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._looked = threading.Event()
        self._closed = threading.Event()
        self._listen_again = threading.Event()
        self._is_up = True
        self._failures = 0
        self._threads = [
            threading.Thread(target=target, name=f"sentry-filters-redis-{name}", daemon=True)
            for name, target in (("speaker", self._speak), ("listener", self._listen))
        ]
        self._speaks = self._start()

    def _start(self) -> bool:
        try:
            for thread in self._threads:
                thread.start()
        except (RuntimeError, MemoryError):
            _log.warning("sentry-filters: no thread can be started for Redis; this process carries on alone")
            self._looked.set()
            return self._threads[0].is_alive()  # what the listener would hear, the speaker reads by and by
        return True

    def put(self, job: Job) -> None:
        """Ask the speaker for something; never waits."""
        if self._speaks:
            self._jobs.put(job)
        elif isinstance(job, Announcement):
            self._exchange.publish_alone(job.expiry)

    def wait_for_first_look(self, timeout: float) -> bool:
        """Wait until the state was read, or could not be, for at most `timeout` seconds."""
        return self._looked.wait(timeout)

    def close(self, timeout: float) -> None:
        """Let the speaker finish what is queued, and end both threads, in at most `timeout` seconds."""
        deadline = time.perf_counter() + timeout
        self._closed.set()
        self._jobs.put(None)
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.perf_counter()))

    def _speak(self) -> None:
        client, store = self._connect()
        next_look = self._look(store)
        self._looked.set()
        while not (self._closed.is_set() and self._jobs.empty()):
            try:
                job = self._jobs.get(timeout=max(0.0, next_look - time.monotonic()))
            except queue.Empty:
                job = None
            if isinstance(job, Announcement):
                next_look = min(next_look, self._announce(store, job))
            elif isinstance(job, Renewal):
                next_look = min(next_look, self._tell(partial(store.renew, job)))
            elif not self._closed.is_set() and (self._is_up or time.monotonic() >= next_look):
                next_look = self._look(store)
        self._tell(lambda: self._exchange.confirm(store))
        client.close()

    def _look(self, store: Store) -> float:
        was_up = self._is_up
        again = self._tell(
            # A new expiry, or the end, must not wait until thousands of others are written again.
            lambda: self._exchange.synchronise(store, lambda: not self._jobs.empty()),
            although_down=True,
        )
        if self._is_up and not was_up:
            self._lifecycle.count("reconnected")
        return again

    def _announce(self, store: Store, job: Announcement) -> float:
        settled = False

        def claim() -> None:
            nonlocal settled
            self._exchange.claim(store, job.expiry, job.begun)
            settled = True
            self._exchange.confirm(store)

        again = self._tell(claim)
        if not settled:
            self._exchange.publish_alone(job.expiry)
        return again

    def _tell(self, act: Callable[[], None], *, although_down: bool = False) -> float:
        if not self._is_up and not although_down:
            return float("inf")  # the next look writes what Redis lacks
        try:
            act()
        except _AWAY as error:
            return time.monotonic() + self._went_down(error)
        except MalformedError:
            self._lifecycle.count("malformed")
        except Exception as error:  # noqa: BLE001 - a fault must not end the thread, nor reach the application
            self._lifecycle.fault("shared", error)
        else:
            self._is_up = True
            self._failures = 0
        return time.monotonic() + random.uniform(0.5, 1.5) * _REFRESH_SECONDS  # noqa: S311 - spreads load

    def _went_down(self, error: BaseException) -> float:
        self._exchange.missed()
        if self._is_up:
            self._is_up = False
            self._listen_again.set()
            _log.warning(
                "sentry-filters: Redis is unreachable (%s); this process carries on alone",
                type(error).__name__,
            )
        self._failures += 1
        return _seconds_after(self._failures)

    def _listen(self) -> None:
        self._failures_to_listen = 0
        while not self._closed.is_set():
            try:
                self._listen_once()
            except Exception as error:  # noqa: BLE001 - as above
                if not isinstance(error, _AWAY):
                    self._lifecycle.fault("shared", error)
                self._failures_to_listen += 1
                self._closed.wait(_seconds_after(self._failures_to_listen))

    def _listen_once(self) -> None:
        client, store = self._connect()
        self._listen_again.clear()
        pubsub = client.pubsub()  # type: ignore[no-untyped-call]  # redis-py types a part of itself
        try:
            pubsub.subscribe(store.channel)
            while not self._closed.is_set() and not self._listen_again.is_set():
                message = pubsub.get_message(timeout=_LISTEN_SECONDS)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    self._failures_to_listen = 0
                    self._jobs.put(None)  # what was said before nobody has heard here
                elif message["type"] == "message":
                    self._exchange.receive(message["data"])
        finally:
            pubsub.close()
            client.close()


def _seconds_after(failures: int) -> float:
    return _BACKOFF.compute(min(failures - 1, _MOST_DOUBLINGS))
