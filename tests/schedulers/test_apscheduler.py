"""APScheduler's own schedulers: LLM jobs wait for the renewal in their store, the others do not.

The executor's back-off is a minute, longer than any test waits: what runs after a renewal was woken by it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sentry_filters import Policy, SchedulerGate, SessionExpired, SessionExpiredError, SessionGuard
from sentry_filters.schedulers.backoff import Backoff
from tests.schedulers.apscheduler_jobs import (
    RECORDS,
    Record,
    coroutine_job,
    expire_in_mid_flight,
    job,
    session_of,
)
from tests.schedulers.waiting import until
from tests.support.expiries import expiry

pytest.importorskip("redis")
pytest.importorskip("apscheduler")

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler

from sentry_filters.schedulers.apscheduler import PostponingExecutor

JOBS = [f"llm-{number}" for number in range(100)]
OTHERS = [f"plain-{number}" for number in range(20)]

Running = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Iterator[Record]:
    """What ran in this test."""
    RECORDS["test"] = Record()
    yield RECORDS["test"]
    del RECORDS["test"]


@contextmanager
def running(
    gate: SchedulerGate,
    store: BaseJobStore | None = None,
    *,
    scheduler: Any = None,
    inner: Any = None,
    may_fail: bool = False,
) -> Iterator[Any]:
    """Run a scheduler whose executor `llm` has the gate; its two threads are slower than a hundred jobs."""
    scheduler = scheduler or BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore(store or MemoryJobStore())
    llm = PostponingExecutor(
        inner or ThreadPoolExecutor(2), gate, session=session_of, backoff=Backoff(first=60, longest=60)
    )
    scheduler.add_executor(llm, "llm")
    problems: list[Any] = []
    scheduler.add_listener(problems.append, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
    scheduler.start()
    try:
        yield scheduler
    finally:
        scheduler.shutdown()
    assert may_fail or problems == []


def add(scheduler: Any, name: str, function: Any = job, **options: Any) -> None:
    scheduler.add_job(
        function, args=["test", name, options.pop("user", None)], id=name, **{"executor": "llm", **options}
    )


def are_put_off(scheduler: Any, names: list[str]) -> bool:
    late = datetime.now(UTC) + timedelta(seconds=20)
    jobs = {one.id: one.next_run_time for one in scheduler.get_jobs()}
    return all(name in jobs and jobs[name] > late for name in names)


def test_jobs_wait_for_the_renewal_and_others_do_not(record: Record) -> None:
    gate = SchedulerGate()
    gate.close(expiry())
    with running(gate) as scheduler:
        for name in JOBS:
            add(scheduler, name)
        for name in OTHERS:
            add(scheduler, name, executor="default")
        until(lambda: sorted(record.ran) == sorted(OTHERS))
        until(lambda: are_put_off(scheduler, JOBS))

        gate.open()

        until(lambda: not scheduler.get_jobs())
    assert Counter(record.ran) == Counter(JOBS + OTHERS)


def test_coroutines_wait_for_the_renewal(record: Record) -> None:
    gate = SchedulerGate()
    gate.close(expiry())

    async def main() -> None:
        with running(gate, scheduler=AsyncIOScheduler(timezone="UTC"), inner=AsyncIOExecutor()) as scheduler:
            for name in JOBS:
                add(scheduler, name, coroutine_job)
            await until_async(lambda: are_put_off(scheduler, JOBS))
            gate.open()
            await until_async(lambda: len(record.ran) >= len(JOBS) and not scheduler.get_jobs())

    asyncio.run(main())
    assert Counter(record.ran) == Counter(JOBS)


def test_one_users_expiry_halts_that_users_jobs_only(record: Record) -> None:
    gate = SchedulerGate("session")
    gate.close(expiry("alice"))
    with running(gate) as scheduler:
        for name in JOBS:
            add(scheduler, f"alice-{name}", user="alice")
            add(scheduler, f"bob-{name}", user="bob")
        until(lambda: Counter(record.ran) == Counter(f"bob-{name}" for name in JOBS))
        gate.open("bob")
        assert are_put_off(scheduler, [f"alice-{name}" for name in JOBS])

        gate.open("alice")

        until(lambda: not scheduler.get_jobs())
    assert Counter(record.ran) == Counter(f"{user}-{name}" for name in JOBS for user in ("alice", "bob"))


@pytest.mark.integration
def test_a_stopped_scheduler_loses_no_postponed_job(record: Record, redis_server: str) -> None:
    port = int(redis_server.rpartition(":")[2])
    gate = SchedulerGate()
    gate.close(expiry())
    with running(gate, RedisJobStore(port=port)) as scheduler:
        for name in JOBS:
            add(scheduler, name)
        until(lambda: are_put_off(scheduler, JOBS))
    assert record.ran == []

    with running(SchedulerGate(), RedisJobStore(port=port)) as scheduler:
        overdue = datetime.now(UTC) - timedelta(hours=1)  # it was down for longer than the minute
        for name in JOBS:
            scheduler.modify_job(name, next_run_time=overdue)
        until(lambda: not scheduler.get_jobs())
    assert Counter(record.ran) == Counter(JOBS)


def test_ticks_of_a_dead_session_are_one_run_and_the_schedule_goes_on(record: Record) -> None:
    gate = SchedulerGate()
    gate.close(expiry())
    with running(gate) as scheduler:
        began = datetime.now(UTC) - timedelta(seconds=0.5)
        add(scheduler, "tick", trigger="interval", hours=1, start_date=began, next_run_time=began)
        until(lambda: are_put_off(scheduler, ["tick"]))
        gate.open()
        until(lambda: record.ran == ["tick"])
        until(lambda: scheduler.get_job("tick").next_run_time == began + timedelta(hours=1))

        scheduler.modify_job("tick", next_run_time=datetime.now(UTC))  # a wake that came too late
        until(lambda: scheduler.get_job("tick").next_run_time == began + timedelta(hours=1))
    assert record.ran == ["tick"]


@pytest.mark.parametrize("trigger", [{}, {"trigger": "interval", "hours": 1, "next_run_time": "now"}])
def test_an_expiry_in_mid_flight_postpones(
    record: Record, trigger: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    gate = SchedulerGate()
    record.instead = expire_in_mid_flight(gate)
    options = {key: datetime.now(UTC) if value == "now" else value for key, value in trigger.items()}
    with running(gate) as scheduler, caplog.at_level(logging.WARNING):
        add(scheduler, "job", **options)
        until(lambda: record.ran == ["job"] and are_put_off(scheduler, ["job"]))
        record.instead = None

        gate.open()

        until(lambda: record.ran == ["job", "job"])
    assert caplog.records == []


def test_a_job_removed_in_mid_flight_stays_removed(record: Record) -> None:
    gate = SchedulerGate()
    with running(gate) as scheduler:

        def end(name: str) -> None:
            until(lambda: scheduler.get_job(name) is not None)
            scheduler.remove_job(name)
            gate.close(expiry())
            gate.check()

        record.instead = end
        add(scheduler, "job", trigger="interval", hours=1, next_run_time=datetime.now(UTC))
        until(lambda: record.ran == ["job"])
    assert scheduler.get_jobs() == []


def test_another_exception_is_the_applications_own(record: Record) -> None:
    def fail(name: str) -> None:
        raise ValueError(name)

    record.instead = fail
    errors: list[Any] = []
    with running(SchedulerGate(), may_fail=True) as scheduler:
        scheduler.add_listener(errors.append, EVENT_JOB_ERROR)
        add(scheduler, "job")
        until(lambda: errors)
    assert isinstance(errors[0].exception, ValueError)


def test_a_fault_of_the_sessions_callable_is_the_jobs_error(record: Record) -> None:
    errors: list[Any] = []
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_executor(
        PostponingExecutor(ThreadPoolExecutor(1), SchedulerGate(), session=lambda: None), "llm"
    )
    scheduler.add_listener(errors.append, EVENT_JOB_ERROR)
    scheduler.start()
    try:
        add(scheduler, "job")
        until(lambda: errors)
    finally:
        scheduler.shutdown()
    assert isinstance(errors[0].exception, TypeError)
    assert record.ran == []


def test_what_came_too_late_is_still_missed(record: Record) -> None:
    gate = SchedulerGate()
    gate.close(expiry())
    missed: list[Any] = []
    with running(gate, may_fail=True) as scheduler:
        scheduler.add_listener(missed.append, EVENT_JOB_MISSED)
        add(scheduler, "job", next_run_time=datetime.now(UTC) - timedelta(minutes=5), misfire_grace_time=60)
        until(lambda: missed)
    assert record.ran == []


@pytest.mark.parametrize("executor", [None, ProcessPoolExecutor(1)], ids=["none", "processes"])
def test_an_executor_that_cannot_share_the_gate_is_refused(executor: Any) -> None:
    with pytest.raises(TypeError, match="expected one of threads or asyncio"):
        PostponingExecutor(executor, SchedulerGate())


def test_a_refused_run_says_so_in_its_event(record: Record) -> None:
    gate = SchedulerGate()
    record.instead = expire_in_mid_flight(gate)
    answers: list[Any] = []
    with running(gate) as scheduler:
        scheduler.add_listener(lambda event: answers.append(getattr(event, "retval", None)))
        add(scheduler, "job")
        until(lambda: any(isinstance(one, SessionExpiredError) for one in answers))


def calling(guard: SessionGuard, *statuses: int) -> Callable[[str], None]:
    """Return what a job does: a call of its own that the backend answers so, the last answer for ever."""
    answers = list(statuses)

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(answers.pop(0) if len(answers) > 1 else answers[0])

    client = guard.instrument(httpx.Client(transport=httpx.MockTransport(answer)))
    headers = {"authorization": "Bearer old"}

    def act(_: str) -> None:
        client.post("http://backend/v1/chat/completions", headers=headers).raise_for_status()

    return act


@pytest.fixture
def expired() -> list[SessionExpired]:
    return []


@pytest.fixture
def guard(expired: list[SessionExpired]) -> Iterator[SessionGuard]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"backend"}), expired.append)
    yield guard
    guard.close()


def test_the_job_that_finds_the_expiry_runs_after_the_renewal(
    record: Record, guard: SessionGuard, expired: list[SessionExpired], caplog: pytest.LogCaptureFixture
) -> None:
    record.instead = calling(guard, 401, 200)
    with running(guard.gate) as scheduler:
        add(scheduler, "job")
        until(lambda: record.ran == ["job"] and are_put_off(scheduler, ["job"]))
        assert not guard.gate.is_open

        guard.session_renewed()

        until(lambda: record.ran == ["job", "job"] and not scheduler.get_jobs())
    guard.bus.flush()
    assert [event.confirmed for event in expired] == [True]


def test_a_failure_that_the_job_reports_itself_is_one_too(record: Record, guard: SessionGuard) -> None:
    class BackendError(Exception):
        """As the application's own client raises it."""

    def act(_: str) -> None:
        if len(record.ran) == 1:
            error = BackendError("no")
            guard.report(error, operation="chat", provider="OpenHuman", status=401)
            raise LookupError("no answer") from error

    record.instead = act
    with running(guard.gate) as scheduler:
        add(scheduler, "job")
        until(lambda: record.ran == ["job"] and are_put_off(scheduler, ["job"]))

        guard.session_renewed()

        until(lambda: record.ran == ["job", "job"] and not scheduler.get_jobs())


def test_a_handler_that_renews_at_once_lets_it_run_again(record: Record, guard: SessionGuard) -> None:
    record.instead = calling(guard, 401, 200)
    with guard.bus.subscribe(lambda event: guard.session_renewed()), running(guard.gate) as scheduler:
        add(scheduler, "job")
        until(lambda: record.ran == ["job", "job"] and not scheduler.get_jobs())


def test_a_job_that_no_renewal_helps_fails_in_the_end(
    record: Record, guard: SessionGuard, expired: list[SessionExpired]
) -> None:
    record.instead = calling(guard, 401)
    errors: list[Any] = []
    with guard.bus.subscribe(lambda event: guard.session_renewed()):
        with running(guard.gate, may_fail=True) as scheduler:
            scheduler.add_listener(errors.append, EVENT_JOB_ERROR)
            add(scheduler, "job")
            until(lambda: errors)
    assert record.ran == ["job"] * (Backoff().discoveries + 1)
    assert isinstance(errors[0].exception, httpx.HTTPStatusError)


@pytest.mark.parametrize("status", [500, 404])
def test_a_call_that_fails_otherwise_is_the_jobs_error(
    record: Record, guard: SessionGuard, status: int
) -> None:
    record.instead = calling(guard, status)
    errors: list[Any] = []
    with running(guard.gate, may_fail=True) as scheduler:
        scheduler.add_listener(errors.append, EVENT_JOB_ERROR)
        add(scheduler, "job")
        until(lambda: errors)
    assert record.ran == ["job"]
    assert guard.gate.is_open


async def until_async(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)
