"""Event loops from the outside: loops that end in the middle, processes without another thread."""

from __future__ import annotations

import asyncio
import contextvars
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError

import pytest

from sentry_filters import EventBus, SessionExpired
from sentry_filters.core import loops
from sentry_filters.core.loops import OwnLoop, run_in, wake
from sentry_filters.core.subscription import Inbox
from sentry_filters.core.troubles import Troubles
from tests.support.expiries import expiry
from tests.support.forks import forked, held_elsewhere
from tests.support.threads import no_new_threads
from tests.support.waiting import eventually

HERE = contextvars.ContextVar("here", default="nobody")


class Running:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(15.0)

    def close(self) -> None:
        """Stop and close it, whatever still runs in it."""
        self.stop()
        self.loop.close()


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.close()


def in_background(act: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Start `act` in a thread; its answer, or what it raised, is in the list once the thread has ended."""
    answers: list[object] = []

    def run() -> None:
        try:
            answers.append(act())
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, answers


def is_waiting(thread: threading.Thread) -> bool:
    """Whether a thread has handed its call over, and waits for the answer."""
    frame = sys._current_frames().get(thread.ident or 0)
    names = []
    while frame is not None:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names[:3] == ["wait", "wait", "wait"] and any("run_in" in name for name in names)


def test_a_call_runs_in_the_loop_with_the_callers_context(running: Running) -> None:
    found: list[object] = []

    async def call() -> None:
        found.extend([asyncio.get_running_loop(), HERE.get()])

    HERE.set("caller")
    assert run_in(running.loop, call)
    assert found == [running.loop, "caller"]


def test_what_is_raised_in_the_loop_is_raised_to_the_caller(running: Running) -> None:
    async def call() -> None:
        raise LookupError("of the handler")

    with pytest.raises(LookupError, match="of the handler"):
        run_in(running.loop, call)


def test_a_closed_loop_runs_nothing(running: Running) -> None:
    called: list[str] = []

    async def call() -> None:
        called.append("ran")

    running.close()

    assert not run_in(running.loop, call)
    assert called == []


def test_a_loop_that_is_closed_before_it_began_runs_nothing(running: Running) -> None:
    called: list[str] = []

    async def call() -> None:
        called.append("ran")

    running.stop()  # it may run again, so the caller waits
    thread, answers = in_background(lambda: run_in(running.loop, call))
    assert not eventually(lambda: bool(answers), 0.05)
    running.close()
    thread.join(15.0)

    assert answers == [False]
    assert called == []


def test_a_loop_that_does_not_run_is_waited_for(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bool] = []

    async def call() -> None:
        looks.append(True)

    def looked() -> bool:
        looks.append(False)
        return False

    monkeypatch.setattr(loops, "_LOOK_SECONDS", 0.001)
    running.stop()
    monkeypatch.setattr(running.loop, "is_closed", looked)
    thread, answers = in_background(lambda: run_in(running.loop, call))
    assert eventually(lambda: len(looks) > 3)
    monkeypatch.undo()
    running.loop.run_until_complete(asyncio.sleep(0))
    thread.join(15.0)

    assert answers == [True]
    assert looks[-1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the task that never ends
def test_a_loop_that_is_closed_in_the_middle_is_an_error(running: Running) -> None:
    began = threading.Event()

    async def call() -> None:
        began.set()
        await asyncio.sleep(3_600.0)

    thread, answers = in_background(lambda: run_in(running.loop, call))
    assert began.wait(15.0)
    running.close()
    thread.join(15.0)

    [answer] = answers
    assert isinstance(answer, RuntimeError)
    assert str(answer) == "the event loop was closed while a handler ran in it"


def test_a_future_is_resolved_once_and_one_of_a_closed_loop_never(running: Running) -> None:
    future: asyncio.Future[None] = running.loop.create_future()
    wake(future)
    wake(future)
    assert eventually(future.done)
    assert future.exception() is None, "nor is it resolved a second time"

    late: asyncio.Future[None] = running.loop.create_future()
    running.close()
    wake(late)
    assert not late.done()


def test_without_another_thread_a_coroutine_handler_runs_in_the_publishers() -> None:
    threads: list[threading.Thread] = []
    own_loop = OwnLoop()

    async def call() -> None:
        threads.append(threading.current_thread())

    with no_new_threads():
        own_loop.run(call)
    own_loop.run(call)
    own_loop.stop()

    assert threads[0] is threading.current_thread()
    assert threads[1] is not threading.current_thread(), "as soon as there may be one, it is used"


def test_stopping_cancels_what_runs_and_the_next_use_begins_anew() -> None:
    began, ended = threading.Event(), list[str]()
    own_loop = OwnLoop()

    async def long() -> None:
        began.set()
        try:
            await asyncio.sleep(3_600.0)
        finally:
            for _ in range(20):
                await asyncio.sleep(0)  # what is to be tidied up takes its time
            ended.append("cancelled")

    async def short() -> None:
        ended.append("ran")

    thread, answers = in_background(lambda: own_loop.run(long))
    assert began.wait(15.0)
    own_loop.stop()
    own_loop.stop()
    assert eventually(lambda: ended == ["cancelled"])
    thread.join(15.0)
    assert not thread.is_alive()

    own_loop.run(short)
    own_loop.stop()
    assert ended == ["cancelled", "ran"]
    assert [type(answer) for answer in answers] == [CancelledError]


def test_it_runs_in_a_daemon_thread_that_says_whose_it_is() -> None:
    own_loop, threads = OwnLoop(), list[threading.Thread]()

    async def call() -> None:
        threads.append(threading.current_thread())

    own_loop.run(call)
    own_loop.stop()
    assert [(one.name, one.daemon) for one in threads] == [("sentry-filters-loop", True)]


def test_it_knows_whether_the_caller_runs_in_it(running: Running) -> None:
    own_loop, answers = OwnLoop(), list[bool]()

    async def asks() -> None:
        answers.append(own_loop.is_running_here())

    assert not own_loop.is_running_here()
    assert run_in(running.loop, asks)
    own_loop.run(asks)
    assert run_in(running.loop, asks)
    assert not own_loop.is_running_here()
    own_loop.stop()
    assert answers == [False, True, False]


def test_a_loop_that_has_ended_by_itself_may_be_stopped() -> None:
    own_loop, used = OwnLoop(), list[asyncio.AbstractEventLoop]()

    async def ends_it() -> None:
        used.append(asyncio.get_running_loop())
        used[0].call_soon(used[0].stop)

    own_loop.run(ends_it)
    assert eventually(used[0].is_closed)
    own_loop.stop()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_has_a_loop_of_its_own_and_its_parent_keeps_the_one_it_had() -> None:
    own_loop, used = OwnLoop(), list[asyncio.AbstractEventLoop]()

    async def call() -> None:
        used.append(asyncio.get_running_loop())

    def child() -> bool:
        own_loop.run(call)
        return used[1] is not used[0]

    own_loop.run(call)
    with held_elsewhere(own_loop._lock):
        assert forked(child)
    own_loop.run(call)
    own_loop.stop()
    assert used[1] is used[0]


def test_what_was_handed_to_a_loop_that_stops_runs_all_the_same() -> None:
    busy, goes_on, ran = threading.Event(), threading.Event(), list[threading.Thread]()
    own_loop = OwnLoop()

    async def keeps_the_loop() -> None:
        busy.set()
        goes_on.wait(15.0)

    async def call() -> None:
        ran.append(threading.current_thread())

    first, _ = in_background(lambda: own_loop.run(keeps_the_loop))
    assert busy.wait(15.0)
    second, _ = in_background(lambda: own_loop.run(call))
    assert eventually(lambda: is_waiting(second))
    own_loop.stop()
    goes_on.set()
    first.join(15.0)
    second.join(15.0)

    assert ran == [second], "in a loop of the caller's"


def test_a_handler_whose_loop_was_closed_runs_in_the_bus_s_own() -> None:
    bus, used = EventBus(), list[asyncio.AbstractEventLoop]()

    async def handler(event: object) -> None:
        used.append(asyncio.get_running_loop())

    async def subscribes() -> asyncio.AbstractEventLoop:
        bus.subscribe(handler)
        return asyncio.get_running_loop()

    first = asyncio.run(subscribes())
    bus.publish(expiry("a"))
    bus.publish(expiry("b"))
    assert bus.flush()
    bus.close()

    assert len(used) == 2
    assert first not in used
    assert used[0] is used[1]


def test_an_iterator_whose_loop_was_closed_takes_nothing_more() -> None:
    bus = EventBus()

    async def listens() -> AsyncIterator[object]:
        events = bus.events()
        assert bus.publish(expiry("a"))
        assert (await anext(events)).session == "a"
        return events

    events = asyncio.run(listens())
    assert not bus.is_listening
    assert not bus.publish(expiry("b"))
    del events


def test_a_reader_that_has_just_gone_is_not_one_that_cannot_keep_up() -> None:
    counted: list[str] = []
    inbox = Inbox(lambda _: None, Troubles(counted.append))
    assert inbox.put(expiry("a"))
    inbox.close(0.0)

    assert not inbox.put(expiry("b"))
    assert counted == []


def test_a_handler_that_does_not_come_back_until_its_subscription_closes_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus, began, goes_on = EventBus(), threading.Event(), threading.Event()

    def stuck(event: object) -> None:
        began.set()
        goes_on.wait(15.0)

    subscription = bus.subscribe(stuck)
    bus.publish(expiry("a"))
    assert began.wait(15.0)
    assert not subscription.close(timeout=0.05)
    goes_on.set()

    assert "handler is stuck" in caplog.text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_handler_that_forks_handles_what_is_queued_in_its_own_process_only() -> None:
    bus, seen, forked = EventBus(), list[str | None](), list[int]()

    def ends_after(worker: threading.Thread) -> None:
        worker.join()
        os._exit(len(seen))

    def handler(event: SessionExpired) -> None:
        seen.append(event.session)
        if forked:
            return
        forked.append(os.fork())
        if forked == [0]:
            threading.Thread(target=ends_after, args=(threading.current_thread(),)).start()

    bus.subscribe(handler)
    bus.publish(expiry("first"))
    bus.publish(expiry("second"))
    assert bus.flush()

    assert seen == ["first", "second"]
    assert os.waitstatus_to_exitcode(os.waitpid(forked[0], 0)[1]) == 1
