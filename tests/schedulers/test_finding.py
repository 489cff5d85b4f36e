"""The job whose own call finds the session expired waits too, and every worker wakes at the renewal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from sentry_filters import Policy, RedisSessions, SessionGuard
from tests.schedulers.conftest import RunWorker
from tests.schedulers.waiting import until
from tests.support.receiver import SentryReceiver

pytest.importorskip("redis")
pytest.importorskip("arq")
pytest.importorskip("celery")

import arq
import celery
import redis

pytestmark = pytest.mark.integration

KEY = "test:key:0123456789abcdef"


class Application:
    """The test's side: another process of the application, in which the user signs in.

    Args:
        url: The Redis that all know.
    """

    def __init__(self, url: str) -> None:
        self.redis: Any = redis.Redis.from_url(url)
        self.guard = SessionGuard(
            Policy(provider="OpenHuman", hosts={"backend"}),
            shared=RedisSessions(url, namespace="test", key=KEY),
        )

    def sign_in(self) -> None:
        self.redis.set("test:alive", "Bearer new")
        self.guard.session_renewed("Bearer new")

    def ran(self) -> list[str]:
        return [job.decode() for job in self.redis.lrange("test:ran", 0, -1)]


@pytest.fixture
def application(redis_server: str) -> Iterator[Application]:
    application = Application(redis_server)
    yield application
    application.guard.close()


@pytest.fixture
def producer(redis_server: str) -> Iterator[Any]:
    with celery.Celery("producer", broker=redis_server, set_as_current=False) as app:
        yield app


def start_celery(run_worker: RunWorker, pool: str) -> None:
    arguments = ["celery", "-A", "tests.schedulers.finding", "worker", "-l", "INFO"]
    run_worker(*arguments, f"--pool={pool}", "--concurrency=2", ready=" ready.")


def outcome(application: Application, result: Any) -> str:
    until(lambda: application.redis.exists(f"celery-task-meta-{result.id}"))
    stored = json.loads(application.redis.get(f"celery-task-meta-{result.id}"))
    return cast("str", stored["status"])


def queued_in_arq(url: str, function: str, job: str) -> None:
    async def main() -> None:
        async with await arq.create_pool(arq.connections.RedisSettings.from_dsn(url)) as pool:
            await pool.enqueue_job(function, job, _job_id=job)

    asyncio.run(main())


def result_in_arq(url: str, job: str) -> Any:
    async def main() -> Any:
        async with await arq.create_pool(arq.connections.RedisSettings.from_dsn(url)) as pool:
            return await arq.jobs.Job(job, pool).result(timeout=60, poll_delay=0.05)

    return asyncio.run(main())


@pytest.mark.parametrize("pool", ["threads", "prefork"])
@pytest.mark.parametrize("task", ["ask", "report_and_ask"])
def test_a_celery_task_that_finds_the_expiry_runs_after_the_renewal(
    run_worker: RunWorker,
    application: Application,
    producer: Any,
    receiver: SentryReceiver,
    task: str,
    pool: str,
) -> None:
    start_celery(run_worker, pool)
    result = producer.send_task(task, ["job"])
    until(lambda: not application.guard.gate.is_open)

    application.sign_in()

    assert outcome(application, result) == "SUCCESS"
    assert application.ran() == ["job", "job"]
    assert receiver.events == []


@pytest.mark.parametrize("task", ["ask", "report_and_ask"])
def test_an_arq_job_that_finds_the_expiry_runs_after_the_renewal(
    run_worker: RunWorker, application: Application, redis_server: str, receiver: SentryReceiver, task: str
) -> None:
    run_worker("tests.schedulers.finding", ready="worker is ready")
    queued_in_arq(redis_server, task, "job")
    until(lambda: not application.guard.gate.is_open)

    application.sign_in()

    assert result_in_arq(redis_server, "job") == "job"
    assert application.ran() == ["job", "job"]
    assert receiver.events == []


def test_a_celery_task_that_no_renewal_helps_fails_in_the_end(
    run_worker: RunWorker, application: Application, producer: Any
) -> None:
    start_celery(run_worker, "threads")
    application.redis.set("test:renewing", "1")

    assert outcome(application, producer.send_task("ask", ["hopeless"])) == "FAILURE"

    assert application.ran() == ["hopeless"] * 4


def test_an_arq_job_that_no_renewal_helps_fails_in_the_end(
    run_worker: RunWorker, application: Application, redis_server: str
) -> None:
    run_worker("tests.schedulers.finding", ready="worker is ready")
    application.redis.set("test:renewing", "1")
    queued_in_arq(redis_server, "ask", "hopeless")

    until(lambda: application.redis.exists("arq:result:hopeless"))

    assert application.ran() == ["hopeless"] * 4
