"""Redis is down, slow, restarted or emptied: every process carries on, and they agree again afterwards."""

from __future__ import annotations

import pytest
import redis

from tests.redis.conftest import StartWorkers
from tests.support.proxy import BlackHole
from tests.support.receiver import SentryReceiver
from tests.support.redis import RedisServer
from tests.support.secrets import fake
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

OLD, NEW = fake("eyJ", 40, seed="old"), fake("eyJ", 40, seed="new")


def test_redis_killed_and_restarted_in_mid_storm(
    start: StartWorkers, redis_server: RedisServer, receiver: SentryReceiver
) -> None:
    workers = start(4)
    for worker in workers:
        worker.hear()
    for worker in workers[:3]:
        worker.say(f"storm {OLD} 200")
    redis_server.kill()
    states = [worker.hear() for worker in workers[:3]]
    assert all(state["closed_by"] for state in states)
    assert all(state["faults"] == 0 for state in states)

    redis_server.start()

    assert workers[3].ask("until closed")["closed_by"] is not None, "it hears of it after the return"
    workers[3].ask(f"renew {NEW}")
    assert [worker.ask("until open")["closed_by"] for worker in workers] == [None] * 4
    assert [worker.end() for worker in workers] == [0] * 4
    assert receiver.events == []


def test_after_flushall_the_processes_write_what_they_know_again(
    start: StartWorkers, redis_server: RedisServer
) -> None:
    first, second = start(2)
    first.hear(), second.hear()
    expiry = first.ask(f"storm {OLD} 1")["closed_by"]
    second.ask("until closed")

    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        assert eventually(lambda: bool(client.keys("sentry-filters:*:state")))

    [third] = start(1)
    assert third.hear()["closed_by"] == expiry
    assert [len(one.ask("state")["published"]) for one in (first, second, third)] == [1, 0, 0]


def test_a_renewal_during_an_outage_opens_all_after_it(
    start: StartWorkers, redis_server: RedisServer
) -> None:
    first, second = start(2)
    first.hear(), second.hear()
    first.ask(f"storm {OLD} 1")
    second.ask("until closed")
    redis_server.kill()

    assert first.ask(f"renew {NEW}")["closed_by"] is None
    assert second.ask("state")["closed_by"] is not None

    redis_server.start()
    assert second.ask("until open")["closed_by"] is None
    assert first.ask(f"storm {OLD} 1")["closed_by"] is None, "a late failure closes none"


def test_a_network_that_swallows_everything_delays_nothing_but_the_news(
    start: StartWorkers, redis_server: RedisServer
) -> None:
    with BlackHole(redis_server.port) as hole:
        [cut_off] = start(1, url=f"redis://127.0.0.1:{hole.port}")
        [other] = start(1)
        cut_off.hear(), other.hear()
        hole.swallow.set()

        assert cut_off.ask(f"storm {OLD} 5")["closed_by"] is not None
        assert eventually(lambda: len(cut_off.ask("state")["published"]) == 1), "it publishes for itself"
        assert other.ask("state")["closed_by"] is None

        hole.swallow.clear()
        assert other.ask("until closed")["closed_by"] is not None
        assert len(cut_off.ask("state")["published"]) == 1
        assert other.ask("state")["published"] == []


def test_a_sign_in_behind_a_cut_network_opens_all_once_it_is_restored(
    start: StartWorkers, redis_server: RedisServer
) -> None:
    with BlackHole(redis_server.port) as hole:
        [other] = start(1)
        other.hear()
        other.ask(f"storm {OLD} 1")
        assert eventually(lambda: len(other.ask("state")["published"]) == 1)
        [cut_off] = start(1, url=f"redis://127.0.0.1:{hole.port}")
        assert cut_off.hear()["closed_by"] is not None
        hole.swallow.set()

        assert cut_off.ask(f"renew {NEW}")["closed_by"] is None
        assert hole.swallowed.wait(10.0), "what it says is lost, while Redis keeps its state"
        assert other.ask("state")["closed_by"] is not None

        hole.swallow.clear()
        assert other.ask("until open")["closed_by"] is None
