"""arq's own worker on a real Redis: LLM jobs wait for the renewal, the others do not.

The worker's back-off is a minute, longer than any test waits: what runs soon after a renewal was woken by it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from sentry_filters import SchedulerGate
from tests.schedulers.conftest import RunWorker, stop
from tests.schedulers.waiting import until
from tests.support.receiver import SentryReceiver
from tests.support.services import Process

pytest.importorskip("redis")
pytest.importorskip("arq")

import arq

from sentry_filters.schedulers.arq import Postponed
from tests.schedulers.remote import Control

pytestmark = pytest.mark.integration

JOBS = [f"llm-{number}" for number in range(100)]
OTHERS = [f"plain-{number}" for number in range(20)]


def start(run_worker: RunWorker) -> Process:
    return run_worker("tests.schedulers.arq_app", ready="worker is ready")


def queue(url: str, jobs: Iterable[tuple[Any, ...]]) -> None:
    """Queue jobs: the function, its arguments; the job's id is its first argument."""

    async def main() -> None:
        async with await arq.create_pool(arq.connections.RedisSettings.from_dsn(url)) as pool:
            for function, *arguments in jobs:
                await pool.enqueue_job(function, *arguments, _job_id=arguments[0])

    asyncio.run(main())


def results(url: str, jobs: Iterable[str]) -> list[Any]:
    async def main() -> list[Any]:
        async with await arq.create_pool(arq.connections.RedisSettings.from_dsn(url)) as pool:
            return [await arq.jobs.Job(job, pool).result(timeout=20, poll_delay=0.05) for job in jobs]

    return asyncio.run(main())


def postponed(control: Control) -> int:
    """Return how many jobs are in the queue for later: moved, and let go by the worker."""
    running = list(control.redis.scan_iter("arq:in-progress:*"))
    return 0 if running else int(control.redis.zcount("arq:queue", "-inf", "+inf"))  # type: ignore[arg-type]


def test_jobs_wait_for_the_renewal_and_others_do_not(
    run_worker: RunWorker, redis_server: str, receiver: SentryReceiver
) -> None:
    control = Control(redis_server)
    worker = start(run_worker)
    control.expire()
    queue(redis_server, [("llm", job) for job in JOBS] + [("plain", job) for job in OTHERS])
    until(lambda: sorted(control.ran()) == sorted(OTHERS))
    until(lambda: postponed(control) == len(JOBS))

    control.renew()

    assert results(redis_server, JOBS) == JOBS
    assert Counter(control.ran()) == Counter(JOBS + OTHERS)
    assert "SessionExpiredError" not in worker.log_tail()
    assert receiver.events == []


def test_one_users_expiry_halts_that_users_jobs_only(run_worker: RunWorker, redis_server: str) -> None:
    control = Control(redis_server)
    start(run_worker)
    control.expire("alice")
    queue(redis_server, [("llm", f"{user}-{job}", user) for job in JOBS for user in ("alice", "bob")])

    until(lambda: Counter(control.ran()) == Counter(f"bob-{job}" for job in JOBS))
    until(lambda: postponed(control) == len(JOBS))
    control.renew("bob")  # what was never closed opens nothing
    control.renew("alice")

    until(lambda: len(control.ran()) >= 2 * len(JOBS))
    assert Counter(control.ran()) == Counter(f"{user}-{job}" for job in JOBS for user in ("alice", "bob"))


def test_a_stopped_worker_loses_no_postponed_job(run_worker: RunWorker, redis_server: str) -> None:
    control = Control(redis_server)
    worker = start(run_worker)
    control.expire()
    queue(redis_server, [("llm", job) for job in JOBS])
    until(lambda: postponed(control) == len(JOBS))
    stop(worker)
    control.expect_act_by(1)
    control.redis.zadd("arq:queue", dict.fromkeys(JOBS, 1))  # the minute is over

    start(run_worker)
    control.renew()

    until(lambda: len(control.ran()) >= len(JOBS))
    assert results(redis_server, JOBS) == JOBS
    assert Counter(control.ran()) == Counter(JOBS)


def test_an_expiry_in_mid_flight_postpones_without_a_try(
    run_worker: RunWorker, redis_server: str, receiver: SentryReceiver
) -> None:
    control = Control(redis_server)
    start(run_worker)
    queue(redis_server, [("llm_expiring", "job", "alice")])
    until(lambda: postponed(control) == 1 and control.ran() == ["job began", "job expired"])

    control.renew("alice")

    assert results(redis_server, ["job"]) == ["job"]
    assert control.ran() == ["job began", "job expired", "job began", "job"]
    assert [event.get("tags", {}).get("session_expired") for event in receiver.events] == ["unhandled"]


def test_a_postponed_job_outlives_its_key(run_worker: RunWorker, redis_server: str) -> None:
    control = Control(redis_server)
    start(run_worker)
    control.expire()
    queue(redis_server, [("llm", "job")])
    before = int(control.redis.pttl("arq:job:job"))  # type: ignore[arg-type]

    until(lambda: int(control.redis.pttl("arq:job:job")) > before + 20_000)  # type: ignore[arg-type]


def test_another_exception_is_the_applications_own(
    run_worker: RunWorker, redis_server: str, receiver: SentryReceiver
) -> None:
    control = Control(redis_server)
    start(run_worker)
    queue(redis_server, [("llm_broken", "job")])

    with pytest.raises(ValueError, match="a bug"):
        results(redis_server, ["job"])
    until(lambda: receiver.events)
    assert control.ran() == ["job"]


def test_only_a_coroutine_function_can_be_a_job() -> None:
    with pytest.raises(TypeError, match="expected a coroutine function"):
        Postponed(SchedulerGate())(len)  # type: ignore[type-var]
