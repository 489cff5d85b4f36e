"""Who hears of an expired session, each by itself: how long it is waited for, and where not."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from sentry_filters.core.loops import OwnLoop
from sentry_filters.core.subscription import Events, Inbox, Subscriber, Subscription
from sentry_filters.core.troubles import Troubles
from tests.support.expiries import expiry


class Heard:
    """A subscription whose handler comes back when it is allowed to."""

    def __init__(self) -> None:
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self.names: list[str] = []
        self.troubles: list[str] = []
        self.forgotten: list[Subscriber] = []
        self.of = Subscription(
            self._handler, OwnLoop(), self.forgotten.append, Troubles(self.troubles.append)
        )

    def is_at_work(self) -> None:
        """Let the handler begin."""
        self.of.put(expiry())
        assert self.begun.wait(10.0)

    def _handler(self, _event: object) -> None:
        self.names.append(threading.current_thread().name)
        self.begun.set()
        self.goes_on.wait(10.0)


@pytest.fixture
def heard() -> Iterator[Heard]:
    made = Heard()
    yield made
    made.goes_on.set()
    made.of.close()


def test_a_handler_has_a_thread_of_a_telling_name(heard: Heard) -> None:
    heard.is_at_work()

    assert heard.names == ["sentry-filters-handler"]


def test_two_seconds_are_waited_for_a_handler(heard: Heard, waits: list[float | None]) -> None:
    heard.is_at_work()

    assert not heard.of.flush()
    assert not heard.of.close()
    assert waits == [2.0, 2.0]
    assert heard.forgotten == [heard.of]


def test_a_handler_that_nobody_waits_for_is_not_called_stuck(heard: Heard) -> None:
    heard.is_at_work()

    assert not heard.of.close(0.0)
    assert heard.troubles == []


def test_nobody_waits_in_the_loop_that_the_handler_needs(waits: list[float | None]) -> None:
    async def application() -> None:
        heard = Heard()  # subscribed from this loop
        heard.is_at_work()
        assert not heard.of.flush(30.0)
        heard.goes_on.set()

    asyncio.run(application())
    assert waits == [0.0]


def test_what_is_for_later_runs_on_the_handlers_thread(heard: Heard) -> None:
    heard.goes_on.set()
    ran = threading.Event()
    names: list[str] = []

    def job() -> None:
        names.append(threading.current_thread().name)
        ran.set()

    heard.of.run_later(job, 0.01)
    assert ran.wait(10.0)
    assert names == ["sentry-filters-handler"]


def inbox(forget: Callable[[Subscriber], object] = lambda _inbox: None) -> Inbox:
    return Inbox(forget, Troubles(lambda _kind: None))


def test_for_a_reader_in_another_loop_is_waited(waits: list[float | None]) -> None:
    made: list[Inbox] = []

    async def reader() -> None:
        made.append(inbox())
        made[0].put(expiry())
        assert not await asyncio.to_thread(made[0].flush, 30.0)
        assert not await asyncio.to_thread(made[0].flush, -1.0)

    asyncio.run(reader())
    assert waits == [30.0, 0.0]


def test_a_reader_does_not_wait_for_itself(waits: list[float | None]) -> None:
    async def reader() -> None:
        own = inbox()
        own.put(expiry())
        assert not own.flush(30.0)
        assert not own.close(30.0)

    asyncio.run(reader())
    assert waits == [0.0, 0.0]


def test_one_loop_waits_for_the_reader_in_another(waits: list[float | None]) -> None:
    made: list[Inbox] = []

    async def reader() -> None:
        made.append(inbox())
        made[0].put(expiry())

    async def other() -> None:
        assert not made[0].flush(30.0)

    asyncio.run(reader())
    asyncio.run(other())
    assert waits == [30.0]


def test_what_is_closed_is_forgotten_and_nobody_waits_without_a_reader() -> None:
    forgotten: list[Subscriber] = []

    async def reader() -> Inbox:
        made = inbox(forgotten.append)
        made.put(expiry())
        return made

    of_a_loop_that_is_over = asyncio.run(reader())
    never_read = inbox(forgotten.append)
    never_read.put(expiry())

    assert of_a_loop_that_is_over.close(30.0)
    assert never_read.close(30.0)
    assert forgotten == [of_a_loop_that_is_over, never_read]


def test_a_reader_that_is_given_up_is_not_waited_for(waits: list[float | None]) -> None:
    async def reader() -> None:
        for _ in range(2):
            own = inbox()
            own.put(expiry())
            events = Events(own)
            await asyncio.to_thread(events.__del__)
            await events.aclose()

    asyncio.run(reader())
    assert set(waits) == {0.0}


def test_a_reader_that_is_given_up_in_another_loop_is_not_waited_for(waits: list[float | None]) -> None:
    async def reader() -> Events:
        own = inbox()
        own.put(expiry())
        return Events(own)

    with closing(asyncio.new_event_loop()) as loop:
        asyncio.run(loop.run_until_complete(reader()).aclose())
        assert set(waits) == {0.0}


def test_of_a_wait_that_is_over_nothing_is_kept() -> None:
    def futures() -> int:
        return sum(type(one) is asyncio.Future for one in gc.get_objects())

    async def reader() -> None:
        own, before = inbox(), futures()
        for _ in range(10):
            waiting = asyncio.create_task(own.take())
            await asyncio.sleep(0)
            own.put(expiry())
            await waiting
        given_up = asyncio.create_task(own.take())
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert futures() <= before + 1, "the last one may be on its way"

    asyncio.run(reader())
