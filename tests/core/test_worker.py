"""A thread that does one thing after the other: what waits, what is refused, what is for later."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sentry_filters.core.worker import Worker
from tests.support.threads import no_new_threads

LONG = 3_600.0


@pytest.fixture
def raised() -> list[BaseException]:
    return []


@pytest.fixture
def worker(raised: list[BaseException]) -> Iterator[Worker]:
    made = Worker("the-workers-name", 3, raised.append)
    yield made
    made.end()


def test_jobs_run_in_order_in_a_daemon_of_its_name(worker: Worker) -> None:
    ran: list[object] = []
    for number in range(2):
        worker.put(lambda number=number: ran.append((number, threading.current_thread().name)))  # type: ignore[misc]
    worker.put(lambda: ran.append(threading.current_thread().daemon))

    assert worker.flush(10.0)
    assert ran == [(0, "the-workers-name"), (1, "the-workers-name"), True]


def test_so_many_jobs_wait_and_no_more(worker: Worker) -> None:
    begun, goes_on, ran = threading.Event(), threading.Event(), list[int]()

    def takes_long() -> None:
        begun.set()
        goes_on.wait(10.0)

    worker.put(takes_long)
    assert begun.wait(10.0)

    taken = [worker.put(lambda number=number: ran.append(number)) for number in range(4)]  # type: ignore[misc]
    assert taken == [True, True, True, False]
    assert worker.busy_for() > 0
    assert not worker.flush(0.0)
    assert not worker.flush(-1.0)
    goes_on.set()
    assert worker.flush(10.0)
    assert (ran, worker.busy_for()) == ([0, 1, 2], 0.0)


def test_what_a_job_raises_is_told_and_the_next_one_runs(worker: Worker, raised: list[BaseException]) -> None:
    ran: list[int] = []
    worker.put(lambda: 1 // 0)
    worker.put(lambda: ran.append(1))

    assert worker.flush(10.0)
    assert ([type(one) for one in raised], ran) == ([ZeroDivisionError], [1])


def test_nobody_waits_for_himself(worker: Worker) -> None:
    answers: list[bool] = []
    worker.put(lambda: answers.append(worker.flush(10.0)))

    assert worker.flush(10.0)
    assert answers == [False]


def test_what_is_for_later_runs_when_somebody_waits_or_it_ends(worker: Worker) -> None:
    ran: list[str] = []
    for _ in range(20):
        worker.put_later(lambda: ran.append("late"), LONG)
        for _ in range(3):
            done = threading.Event()
            worker.put(done.set)
            assert done.wait(10.0)
        assert ran == []
        assert worker.flush(10.0)
        assert ran.pop() == "late"
    worker.put_later(lambda: ran.append("last"), LONG)
    worker.end()

    assert worker.flush(10.0)
    assert ran == ["last"]


def test_of_two_who_wait_the_second_is_not_forgotten_with_the_first(worker: Worker) -> None:
    goes_on, ran, waited = threading.Event(), list[str](), list[bool]()
    worker.put(lambda: goes_on.wait(10.0))
    second = threading.Thread(target=lambda: waited.append(worker.flush(20.0)))
    second.start()

    assert not worker.flush(0.2)
    worker.put_later(lambda: ran.append("late"), LONG)
    goes_on.set()
    second.join()
    assert (waited, ran) == ([True], ["late"])


def test_what_is_for_later_runs_at_its_time_though_nobody_waits(worker: Worker) -> None:
    ran = threading.Event()
    worker.put_later(ran.set, 0.01)
    assert ran.wait(10.0)


def test_what_is_for_later_runs_at_the_end_though_nobody_waits(worker: Worker) -> None:
    ran = threading.Event()
    worker.put_later(ran.set, LONG)
    worker.end()
    assert ran.wait(10.0)


@pytest.mark.parametrize(("idle_seconds", "ends"), [(LONG, False), (0.01, True)])
def test_its_thread_waits_for_more_and_ends_after_a_while(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, idle_seconds: float, ends: bool
) -> None:
    monkeypatch.setattr("sentry_filters.core.worker._IDLE_SECONDS", idle_seconds)
    threads: list[threading.Thread] = []
    for _ in range(2):
        worker.put(lambda: threads.append(threading.current_thread()))
        assert worker.flush(10.0)
        if ends:
            threads[-1].join(10.0)

    assert (threads[0] is not threads[1]) is ends
    assert threads[0].is_alive() is not ends


@pytest.mark.parametrize(("timeout", "waited"), [(30.0, 30.0), (0.0, 0.0), (-1.0, 0.0)])
def test_it_is_waited_for_as_long_as_was_said(
    worker: Worker, waits: list[float | None], timeout: float, waited: float
) -> None:
    goes_on = threading.Event()
    worker.put(lambda: goes_on.wait(10.0))

    assert not worker.flush(timeout)
    goes_on.set()
    assert waits == [waited]


def test_of_what_is_for_later_only_the_last_runs(worker: Worker) -> None:
    ran: list[str] = []
    worker.put_later(lambda: ran.append("first"), LONG)
    worker.put_later(lambda: ran.append("second"), 0.0)

    assert worker.flush(10.0)
    assert ran == ["second"]


def test_without_a_thread_what_waits_is_left_for_the_next(worker: Worker) -> None:
    ran: list[int] = []
    with no_new_threads():
        with pytest.raises(RuntimeError):
            worker.put(lambda: ran.append(1))
        assert not worker.flush(0.0)
    worker.put(lambda: ran.append(2))

    assert worker.flush(10.0)
    assert ran == [1, 2]
