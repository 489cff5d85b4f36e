"""Celery's own worker on a real broker: LLM tasks wait for the renewal, the others do not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from sentry_filters import SchedulerGate, SessionExpiredError
from sentry_filters.schedulers.backoff import Backoff
from tests.schedulers.conftest import RunWorker, stop
from tests.schedulers.waiting import until
from tests.support.expiries import expiry
from tests.support.receiver import SentryReceiver
from tests.support.services import Process

pytest.importorskip("redis")
pytest.importorskip("celery")

import celery

from sentry_filters.schedulers.celery import PostponedTask
from tests.schedulers.remote import Control

pytestmark = pytest.mark.integration

JOBS = [f"llm-{number}" for number in range(100)]
OTHERS = [f"plain-{number}" for number in range(20)]


@pytest.fixture
def producer(redis_server: str) -> Iterator[Any]:
    """The application that queues jobs; it knows no gate."""
    with celery.Celery("producer", broker=redis_server, set_as_current=False) as app:
        yield app


def outcome(control: Control, result: Any) -> tuple[str, Any]:
    """Wait for a task's end, and return its state and result as the worker stored them."""
    until(lambda: control.redis.exists(f"celery-task-meta-{result.id}"))
    stored = json.loads(control.redis.get(f"celery-task-meta-{result.id}"))  # type: ignore[arg-type]
    return stored["status"], stored["result"]


def start(run_worker: RunWorker, *, pool: str = "threads", concurrency: int = 4) -> Process:
    arguments = ["celery", "-A", "tests.schedulers.celery_app", "worker", "-l", "INFO"]
    return run_worker(*arguments, f"--pool={pool}", f"--concurrency={concurrency}", ready=" ready.")


@pytest.mark.parametrize(("pool", "processes"), [("threads", 1), ("prefork", 2)])
def test_jobs_wait_for_the_renewal_and_others_do_not(
    run_worker: RunWorker,
    redis_server: str,
    producer: Any,
    receiver: SentryReceiver,
    pool: str,
    processes: int,
) -> None:
    control = Control(redis_server)
    worker = start(run_worker, pool=pool, concurrency=2)
    control.expire(workers=processes)
    results = [producer.send_task("llm", [job]) for job in JOBS]
    for job in OTHERS:
        producer.send_task("plain", [job])
    until(lambda: sorted(control.ran()) == sorted(OTHERS))

    control.renew(workers=processes)

    until(lambda: len(control.ran()) >= len(JOBS) + len(OTHERS))
    assert [outcome(control, result) for result in results] == [("SUCCESS", job) for job in JOBS]
    assert Counter(control.ran()) == Counter(JOBS + OTHERS)
    assert "SessionExpiredError" not in worker.log_tail()
    assert receiver.events == []


def test_one_users_expiry_halts_that_users_jobs_only(
    run_worker: RunWorker, redis_server: str, producer: Any
) -> None:
    control = Control(redis_server)
    start(run_worker)
    control.expire("alice")
    for job in JOBS:
        producer.send_task("llm", [f"a-{job}"], {"user": "alice"})
        producer.send_task("llm", [f"b-{job}"], {"user": "bob"})

    until(lambda: len(control.ran()) >= len(JOBS))
    assert Counter(control.ran()) == Counter(f"b-{job}" for job in JOBS)

    control.renew("alice")
    until(lambda: len(control.ran()) >= 2 * len(JOBS))
    assert Counter(control.ran()) == Counter(f"{user}-{job}" for job in JOBS for user in "ab")


def test_a_stopped_worker_loses_no_postponed_job(
    run_worker: RunWorker, redis_server: str, producer: Any
) -> None:
    control = Control(redis_server)
    worker = start(run_worker)
    control.expire()
    for job in JOBS:
        producer.send_task("llm", [job])
    producer.send_task("plain", ["last"])
    until(lambda: control.ran() == ["last"])
    stop(worker)
    control.expect_act_by(1)

    start(run_worker)
    control.renew()

    until(lambda: len(control.ran()) > len(JOBS))
    assert Counter(control.ran()) == Counter([*JOBS, "last"])


def test_an_expiry_in_mid_flight_postpones_without_a_retry(
    run_worker: RunWorker, redis_server: str, producer: Any, receiver: SentryReceiver
) -> None:
    control = Control(redis_server)
    start(run_worker)
    result = producer.send_task("llm_expiring", ["job"], {"user": "alice"})
    until(lambda: control.ran() == ["job began", "job expired"])

    control.renew("alice")

    assert outcome(control, result) == ("SUCCESS", "job")
    assert control.ran() == ["job began", "job expired", "job began", "job"]
    assert [event.get("tags", {}).get("session_expired") for event in receiver.events] == ["unhandled"]


def test_a_chain_goes_on_after_the_postponed_job(
    run_worker: RunWorker, redis_server: str, producer: Any
) -> None:
    control = Control(redis_server)
    start(run_worker)
    control.expire()
    chain = producer.signature("llm", ["first"]) | producer.signature("plain")
    result = chain.apply_async()
    producer.send_task("plain", ["other"])
    until(lambda: control.ran() == ["other"])

    control.renew()

    assert outcome(control, result) == ("SUCCESS", "first")
    assert control.ran() == ["other", "first", "first"]


def test_another_exception_is_the_applications_own(
    run_worker: RunWorker, redis_server: str, producer: Any, receiver: SentryReceiver
) -> None:
    control = Control(redis_server)
    start(run_worker)

    result = producer.send_task("llm_broken", ["job"])

    assert outcome(control, result)[0] == "FAILURE"
    until(lambda: receiver.events)
    assert control.ran() == ["job"]


def application(gate: object, **attributes: object) -> Any:
    base = type("LLMTask", (PostponedTask,), {"abstract": True, "gate": gate, **attributes})
    app = celery.Celery("unit", broker="memory://", set_as_current=False)

    @app.task(base=base, name="llm")  # type: ignore[untyped-decorator]  # Celery ships no types
    def llm() -> str:
        return "done"

    return llm


@pytest.mark.parametrize("call", [lambda task: task(), lambda task: task.apply(throw=True).get()])
def test_without_a_broker_the_caller_is_told(call: Any) -> None:
    gate = SchedulerGate()
    task = application(gate)
    assert call(task) == "done"
    gate.close(expiry())

    with pytest.raises(SessionExpiredError):
        call(task)


@pytest.mark.parametrize("attributes", [{"gate": None}, {"gate": SchedulerGate(), "backoff": 5}])
def test_a_faulty_base_is_refused_when_the_task_is_bound(attributes: dict[str, Any]) -> None:
    task = application(**attributes)

    with pytest.raises(TypeError, match=r"^invalid llm\.(gate|backoff) "):
        task.name  # noqa: B018 - binds a lazy task


def test_the_countdown_stays_below_the_visibility_timeout() -> None:
    gate = SchedulerGate()
    task = application(gate, backoff=Backoff(first=100, longest=1000))
    task.app.conf.broker_transport_options = {"visibility_timeout": 60}

    assert task.countdown(expiry()) == 30
