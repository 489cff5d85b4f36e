from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import freezegun
import pytest

from sentry_filters import SchedulerGate, SessionExpired, SessionExpiredError
from tests.support.expiries import expiry


def test_gate_is_open_until_a_session_expires() -> None:
    gate = SchedulerGate()
    gate.check()
    assert gate.is_open
    assert gate.wait(0)

    event = expiry("a")
    gate.close(event)

    assert not gate.is_open
    assert not gate.wait(0)
    with pytest.raises(SessionExpiredError) as error:
        gate.check()
    assert error.value.event is event
    assert gate.refused == 1


@pytest.mark.promise("gate")
def test_renewal_opens_the_gate_for_those_who_wait() -> None:
    gate = SchedulerGate()
    gate.close(expiry())
    opened: list[bool] = []
    waiters = [threading.Thread(target=lambda: opened.append(gate.wait(10))) for _ in range(4)]
    for waiter in waiters:
        waiter.start()

    gate.open()

    for waiter in waiters:
        waiter.join(10)
    assert opened == [True] * 4


def test_process_scope_halts_every_session() -> None:
    gate = SchedulerGate("process")
    gate.close(expiry("a"))

    assert not gate.is_open_for("b")
    gate.open("b")
    assert gate.is_open_for("a")


def test_session_scope_halts_only_its_own() -> None:
    gate = SchedulerGate("session")
    gate.close(expiry("a"))

    assert gate.is_open
    assert not gate.is_open_for("a")
    assert gate.is_open_for("b")
    gate.check(session="b")
    with pytest.raises(SessionExpiredError):
        gate.check(session="a")
    gate.open("a")
    assert gate.is_open_for("a")


def test_session_scope_halts_all_if_the_session_is_unknown() -> None:
    gate = SchedulerGate("session")
    gate.close(expiry(None))

    assert not gate.is_open
    assert not gate.is_open_for("b")


def test_asyncio_waits_without_blocking_the_loop() -> None:
    gate = SchedulerGate()

    async def main() -> tuple[bool, bool, bool]:
        at_once = await gate.wait_async()
        gate.close(expiry())
        too_short = await gate.wait_async(0.01)
        waiting = asyncio.create_task(gate.wait_async(10))
        await asyncio.sleep(0)
        threading.Thread(target=gate.open).start()
        return at_once, too_short, await waiting

    assert asyncio.run(main()) == (True, False, True)


def test_cancelled_wait_is_cancelled() -> None:
    gate = SchedulerGate()
    gate.close(expiry())

    async def main() -> None:
        waiting = asyncio.create_task(gate.wait_async())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    gate.open()  # wakes a loop that is closed by now


@pytest.mark.skipif(os.name == "nt", reason="signals are sent to the own process by number")
def test_nobody_is_refused_for_an_end_that_has_not_been_told() -> None:
    gate, event, told = SchedulerGate(), expiry(), list[SessionExpired]()

    # The end passes between any two looks at the clock.
    with freezegun.freeze_time("2026-01-01", auto_tick_seconds=1):
        gate.ends_at(time.time() + 1.5, event, told.append)
        gate.check()
        with pytest.raises(SessionExpiredError) as error:
            gate.check()

    assert told == [error.value.event]


def test_keyboard_interrupt_ends_a_wait() -> None:
    gate = SchedulerGate()
    gate.close(expiry())
    # Who is started in a shell's background ignores the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()

    try:
        with pytest.raises(KeyboardInterrupt):
            gate.wait(30)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.promise("bounded")
def test_many_sessions_are_bounded() -> None:
    gate = SchedulerGate("session")
    for number in range(10_500):
        gate.close(expiry(str(number)))

    assert gate.is_open_for("0")
    assert not gate.is_open_for("10499")
