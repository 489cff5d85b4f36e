"""Coroutine handlers and iterators: in which event loop they run, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import threading
from collections.abc import Awaitable, Callable

import httpx
import pytest

from sentry_filters import EventBus, SessionExpired
from tests.support.backend import LLMBackend
from tests.support.expiries import expiry
from tests.support.waiting import eventually

caller = contextvars.ContextVar("caller", default="nobody")

Handler = Callable[[SessionExpired], Awaitable[None]]


class Loop:
    """An application's event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def call(self, function: Callable[[], object]) -> None:
        """Call `function` in the loop, and wait for it."""

        async def run() -> None:
            function()

        asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def close(self) -> None:
        """End the loop, as an application does that goes on without it."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@pytest.mark.parametrize("bound", ["lock", "queue", "client"])
def test_a_handler_may_use_what_is_bound_to_the_applications_loop(bound: str, backend: LLMBackend) -> None:
    troubles: list[str] = []
    bus = EventBus(troubles.append)

    async def application() -> list[str | None]:
        done: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)
        lock = asyncio.Lock()
        async with httpx.AsyncClient(base_url=backend.url) as client:
            await client.post("/chat/completions", json={})  # the connection belongs to this loop now
            await lock.acquire()

            async def handler(event: SessionExpired) -> None:
                if bound == "lock":
                    async with lock:
                        pass
                elif bound == "client":
                    await client.post("/chat/completions", json={})
                await done.put(event.session)

            bus.subscribe(handler)
            for name in "abc":
                await asyncio.to_thread(bus.publish, expiry(name))
            await asyncio.sleep(0)
            lock.release()
            return [await asyncio.wait_for(done.get(), 10) for _ in range(3)]

    assert asyncio.run(application()) == ["a", "b", "c"]
    assert troubles == []


def test_a_coroutine_handler_runs_in_the_loop_that_it_was_subscribed_from() -> None:
    bus = EventBus()
    application = Loop()
    seen: list[asyncio.AbstractEventLoop] = []

    async def handler(event: SessionExpired) -> None:
        seen.append(asyncio.get_running_loop())

    application.call(lambda: bus.subscribe(handler))
    bus.publish(expiry())
    bus.publish(expiry())

    assert bus.flush(10)
    assert seen == [application.loop] * 2
    application.close()


def test_other_coroutine_handlers_share_one_loop_that_stays() -> None:
    bus = EventBus()
    seen: list[asyncio.AbstractEventLoop] = []

    async def one(event: SessionExpired) -> None:
        seen.append(asyncio.get_running_loop())

    async def other(event: SessionExpired) -> None:
        seen.append(asyncio.get_running_loop())

    bus.subscribe(one)
    bus.subscribe(other)
    bus.publish(expiry())
    assert bus.flush(10)
    bus.publish(expiry())
    assert bus.flush(10)

    assert len(seen) == 4
    assert len(set(seen)) == 1
    bus.close()
    assert eventually(seen[0].is_closed)


def test_after_its_loop_is_closed_a_handler_runs_in_the_buss_own() -> None:
    troubles: list[str] = []
    bus = EventBus(troubles.append)
    application = Loop()
    seen: list[str | None] = []

    async def handler(event: SessionExpired) -> None:
        seen.append(event.session)

    application.call(lambda: bus.subscribe(handler))
    application.close()
    bus.publish(expiry("a"))
    bus.publish(expiry("b"))

    assert bus.flush(10)
    assert seen == ["a", "b"]
    assert troubles == []


def test_a_loop_that_closes_while_a_handler_waits_in_it_does_not_hold_up_the_next_event() -> None:
    troubles: list[str] = []
    bus = EventBus(troubles.append)
    application = Loop()
    begun = threading.Event()
    seen: list[str | None] = []

    async def handler(event: SessionExpired) -> None:
        if event.session == "first":
            begun.set()
            await asyncio.Event().wait()
        seen.append(event.session)

    application.call(lambda: bus.subscribe(handler))
    bus.publish(expiry("first"))
    assert begun.wait(10)
    application.close()
    bus.publish(expiry("second"))

    assert bus.flush(10)
    assert seen == ["second"]
    assert troubles == ["handler_failed"]


def test_an_event_that_waits_for_its_loop_is_handled_where_asyncio_run_ends_first() -> None:
    bus = EventBus()
    seen: list[str | None] = []

    async def handler(event: SessionExpired) -> None:
        seen.append(event.session)

    async def application() -> None:
        bus.subscribe(handler)
        bus.publish(expiry("last"))
        # The worker may have reached the loop or not: both have to end well.

    asyncio.run(application())

    assert bus.flush(10)
    assert seen == ["last"]


def test_coroutine_handlers_run_in_an_empty_context() -> None:
    bus = EventBus()
    seen: list[str] = []
    application = Loop()

    async def handler(event: SessionExpired) -> None:
        seen.append(caller.get())

    caller.set("the failing call")
    application.loop.call_soon_threadsafe(lambda: bus.subscribe(handler), context=contextvars.copy_context())
    application.call(lambda: None)
    bus.subscribe(handler)
    bus.publish(expiry())

    assert bus.flush(10)
    assert seen == ["nobody", "nobody"]
    application.close()


def test_a_handler_in_a_loop_may_close_its_own_subscription() -> None:
    bus = EventBus()
    seen: list[str | None] = []

    async def once(event: SessionExpired) -> None:
        seen.append(event.session)
        subscription.close()

    subscription = bus.subscribe(once)
    bus.publish(expiry("a"))

    assert bus.flush(10)
    bus.publish(expiry("b"))
    assert seen == ["a"]


def test_flushing_in_the_handlers_own_loop_does_not_block_it() -> None:
    bus = EventBus()

    async def application() -> list[str | None]:
        seen: list[str | None] = []
        done = asyncio.Event()

        async def handler(event: SessionExpired) -> None:
            seen.append(event.session)
            done.set()

        bus.subscribe(handler)
        bus.publish(expiry("a"))
        assert not bus.flush(600.0), "the handler cannot run while its loop waits for it"
        await asyncio.wait_for(done.wait(), 10)
        return seen

    assert asyncio.run(application()) == ["a"]


def test_events_are_iterated_over_until_the_bus_closes() -> None:
    bus = EventBus()

    async def application() -> list[str | None]:
        events = bus.events()
        assert bus.is_listening
        assert bus.publish(expiry("early"))
        seen = []
        async for event in events:
            seen.append(event.session)
            if event.session == "early":
                await asyncio.to_thread(bus.publish, expiry("late"))
            else:
                await asyncio.to_thread(bus.close)
        return seen

    assert asyncio.run(application()) == ["early", "late"]
    assert not bus.is_listening


def test_what_is_queued_is_iterated_over_before_the_end() -> None:
    bus = EventBus()

    async def application() -> list[str | None]:
        events = bus.events()
        for name in "abc":
            bus.publish(expiry(name))
        bus.close(0.0)
        return [event.session async for event in events]

    assert asyncio.run(application()) == ["a", "b", "c"]


def test_several_iterate_at_once_and_others_join_while_they_do() -> None:
    bus = EventBus()

    async def reader(events: object, seen: list[str | None]) -> None:
        async for event in events:  # type: ignore[attr-defined]
            seen.append(event.session)
            if event.session == "a":
                late.append(bus.events())

    late: list[object] = []

    async def application() -> list[list[str | None]]:
        seen: list[list[str | None]] = [[], [], []]
        async with asyncio.TaskGroup() as tasks:
            readers = [tasks.create_task(reader(bus.events(), one)) for one in seen[:2]]
            await asyncio.sleep(0)
            bus.publish(expiry("a"))
            while len(late) < 2:
                await asyncio.sleep(0)
            bus.publish(expiry("b"))
            readers.append(tasks.create_task(reader(late[0], seen[2])))
            await asyncio.to_thread(bus.close, 0.0)
        return seen

    assert asyncio.run(application()) == [["a", "b"], ["a", "b"], ["b"]]


def test_an_iterator_that_is_closed_or_given_up_listens_no_more() -> None:
    bus = EventBus()

    async def application() -> None:
        closed = bus.events()
        await closed.aclose()  # type: ignore[attr-defined]
        assert not bus.is_listening
        with pytest.raises(StopAsyncIteration):
            await anext(closed)
        bus.publish(expiry())
        for_break = bus.events()
        bus.publish(expiry())
        async for _ in for_break:
            break
        assert bus.is_listening

    asyncio.run(application())
    gc.collect()
    assert not bus.is_listening


def test_an_iterator_whose_loop_is_closed_takes_nothing() -> None:
    bus = EventBus()

    async def application() -> object:
        events = bus.events()
        bus.publish(expiry())
        await anext(events)
        return events

    kept = asyncio.run(application())

    assert not bus.is_listening
    assert not bus.publish(expiry())
    del kept


def test_an_iterator_has_a_bounded_queue() -> None:
    troubles: list[str] = []
    bus = EventBus(troubles.append)
    events = bus.events()

    taken = [bus.publish(expiry()) for _ in range(10_001)]

    assert taken == [True] * 10_000 + [False]
    assert troubles == ["handler_behind"]
    del events


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_handles_in_a_loop_of_its_own_and_does_not_iterate_for_its_parent() -> None:
    bus = EventBus()
    application = Loop()
    seen: list[str | None] = []

    async def handler(event: SessionExpired) -> None:
        seen.append(event.session)

    application.call(lambda: bus.subscribe(handler))
    bus.subscribe(handler)
    bus.publish(expiry("parent"))
    assert bus.flush(10)
    iterators: list[object] = []
    application.call(lambda: iterators.append(bus.events()))

    child = os.fork()
    if child == 0:
        taken = bus.publish(expiry("child"))
        os._exit(0 if taken and bus.flush(10) and seen.count("child") == 2 else 1)

    assert os.waitpid(child, 0)[1] == 0
    application.close()
