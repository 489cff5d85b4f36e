"""Eight processes whose session ends under ten thousand calls: one of them renews it, for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis

from sentry_filters.core import LEASE_SECONDS
from sentry_filters.redis.lease import Lease
from tests.redis.conftest import Worker
from tests.support.crowd import CrowdBackend
from tests.support.receiver import SentryReceiver
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

PROCESSES = 8

Crowd = Callable[..., list[Worker]]


@pytest.fixture
def crowd_backend() -> Iterator[CrowdBackend]:
    """Its session has ended."""
    with CrowdBackend() as server:
        yield server


@pytest.fixture
def crowd(
    redis_server: RedisServer, crowd_backend: CrowdBackend, receiver: SentryReceiver
) -> Iterator[Crowd]:
    """Start the processes, ready to call."""
    with ExitStack() as stack:

        def start(timeout: float, *, url: str = redis_server.url, count: int = PROCESSES) -> list[Worker]:
            arguments = (url, crowd_backend.address, receiver.dsn, str(timeout))
            workers = [Worker(*arguments, module="tests.redis.renewing") for _ in range(count)]
            for worker in workers:
                stack.callback(worker.end)
            for worker in workers:
                stack.callback(worker.hang_up)  # all of them, before the first is waited for
                worker.hear()
            return workers

        yield start


def call(workers: list[Worker], calls: int) -> list[dict[str, Any]]:
    for worker in workers:
        worker.say(str(calls))
    return [worker.hear() for worker in workers]


def test_ten_thousand_calls_share_one_renewal(
    crowd: Crowd, crowd_backend: CrowdBackend, receiver: SentryReceiver
) -> None:
    crowd_backend.awaited = PROCESSES
    states = call(crowd(20.0), 1_250)

    assert [state["statuses"] for state in states] == [{"200": 1_250}] * PROCESSES, "no caller saw an error"
    assert crowd_backend.refreshes == 1
    assert crowd_backend.answers[401] == 10_000
    assert sum(state["published"] for state in states) == 0
    assert {(state["open"], state["faults"], state["violations"]) for state in states} == {(True, 0, 0)}
    assert receiver.events == []


def test_a_refusal_is_one_event_for_all(
    crowd: Crowd, crowd_backend: CrowdBackend, receiver: SentryReceiver
) -> None:
    crowd_backend.refusing = 400
    workers = crowd(20.0, count=4)
    states = call(workers, 100)

    assert [state["statuses"] for state in states] == [{"401": 100}] * 4, "the backend's own answer"
    assert crowd_backend.refreshes == 1
    assert eventually(lambda: sum(state["published"] for state in call(workers, 1)) == 1)
    assert [state["open"] for state in call(workers, 1)] == [False] * 4
    assert receiver.events == []


@pytest.mark.parametrize(("status", "slow"), [(503, 0.0), (503, 3.0)])
def test_an_endpoint_in_trouble_gets_two_tries_a_lease(
    crowd: Crowd, crowd_backend: CrowdBackend, status: int, slow: float
) -> None:
    crowd_backend.refusing, crowd_backend.slow = status, slow
    workers = crowd(0.5, count=3)
    begun = time.monotonic()
    states = []
    while time.monotonic() < begun + 6.0:
        states = call(workers, 50)

    leases = 1 + int((time.monotonic() - begun) / LEASE_SECONDS)
    assert [state["statuses"] for state in states] == [{"401": 50}] * 3, "each saw its own error"
    assert 1 <= crowd_backend.refreshes <= 2 * leases
    assert sum(state["published"] for state in states) == 0
    assert [state["open"] for state in states] == [True] * 3


def test_without_redis_each_process_renews_for_itself(crowd: Crowd, crowd_backend: CrowdBackend) -> None:
    [worker] = crowd(20.0, url="redis://127.0.0.1:1", count=1)

    [state] = call([worker], 20)

    assert (state["statuses"], crowd_backend.refreshes) == ({"200": 20}, 1)


@pytest.fixture
def lease(redis_server: RedisServer) -> Iterator[Lease]:
    """One process's turns; `lease.events` is not needed: what it counts is seen in the guard's counters."""
    client = redis.Redis.from_url(redis_server.url, decode_responses=True)
    yield Lease(client, "sentry-filters:{chat}:process", lambda event: None)
    client.close()


def test_a_turn_is_given_back_by_nobody_but_its_owner(lease: Lease, redis_server: RedisServer) -> None:
    mine = lease.claim("0" * 12)
    assert mine.state == "won"
    assert lease.claim("0" * 12).state == "held"
    assert lease.claim("1" * 12).state == "won", "another session's"

    client = redis.Redis.from_url(redis_server.url, decode_responses=True)
    left: Any = client.pttl(f"sentry-filters:{{chat}}:process:lease:{'0' * 12}")
    assert 0 < left <= LEASE_SECONDS * 1e3
    client.delete(f"sentry-filters:{{chat}}:process:lease:{'0' * 12}")  # its holder died, or took too long
    client.close()
    other = lease.claim("0" * 12)
    assert other.state == "won"
    assert (lease.is_latest(mine), lease.is_latest(other)) == (False, True)
    lease.settle(mine, "renewed")
    assert lease.claim("0" * 12).state == "held", "the later turn is not the earlier one's to give back"
    lease.settle(other, "renewed")
    assert lease.claim("0" * 12).state == "won"


def test_after_trouble_all_pause_and_after_two_tries_for_the_rest_of_the_lease(
    lease: Lease, redis_server: RedisServer
) -> None:
    lease.settle(lease.claim(None), "unavailable")
    paused = lease.claim(None)
    assert paused.state == "paused"
    assert 0 < paused.seconds <= 2.0

    client = redis.Redis.from_url(redis_server.url, decode_responses=True)
    client.delete("sentry-filters:{chat}:process:lease:-")  # the pause is over
    lease.settle(lease.claim(None), "unavailable")
    client.delete("sentry-filters:{chat}:process:lease:-")
    paused = lease.claim(None)
    assert paused.state == "paused"
    assert paused.seconds > 2.0
    client.close()


def test_redis_never_holds_a_credential(
    crowd: Crowd, crowd_backend: CrowdBackend, redis_server: RedisServer
) -> None:
    workers = crowd(20.0, count=2)
    ended = crowd_backend.current
    client: Any = redis.Redis.from_url(redis_server.url, decode_responses=True)
    with client.monitor() as said:
        commands = said.listen()
        call(workers, 5)
        client.echo("enough")
        heard = ""
        for command in commands:
            heard += command["command"]
            if command["command"] == "ECHO enough":
                break
    client.close()

    assert ":lease:" in heard
    assert ended not in heard
    assert crowd_backend.current not in heard
