"""A process dies between its claim and publishing: another process publishes, and exactly one of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import cast

import pytest
import redis

from sentry_filters import Policy, RedisSessions, SessionExpired, SessionGuard
from sentry_filters.guard import parts_of
from sentry_filters.redis.exchange import Exchange
from sentry_filters.redis.messages import EVERYONE, Expiry, Renewal
from sentry_filters.redis.replica import Replica
from sentry_filters.redis.store import Store
from tests.redis.conftest import KEY
from tests.redis.test_messages import expiry
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

POLICY = Policy(provider="OpenHuman")
UNPUBLISHED = "sentry-filters:{chat}:process:unpublished"


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


@pytest.fixture
def store(client: redis.Redis) -> Store:
    return Store(client, "chat", "process")


def claimed(store: Store, found: Expiry | None = None) -> Expiry:
    """Win a claim, as a process does that dies then."""
    found = expiry(id="1" * 16) if found is None else found
    won, _ = store.claim(found, round(time.time() * 1e6))
    assert won
    return found


def let_the_time_pass(client: redis.Redis) -> None:
    for member in cast("list[str]", client.zrange(UNPUBLISHED, 0, -1)):
        client.zadd(UNPUBLISHED, {member: 1})


def test_what_a_dead_process_was_to_publish_is_published_by_one_of_the_others(
    client: redis.Redis, store: Store, redis_server: RedisServer
) -> None:
    heard: list[SessionExpired] = []
    guards = [
        SessionGuard(POLICY, heard.append, shared=RedisSessions(redis_server.url, namespace="chat", key=KEY))
        for _ in range(3)
    ]
    found = claimed(store)
    assert eventually(lambda: not any(guard.gate.is_open for guard in guards))
    assert heard == [], "it has ten seconds"

    let_the_time_pass(client)

    assert eventually(lambda: not client.exists(UNPUBLISHED))
    for guard in guards:
        guard.close()
    assert [event.id for event in heard] == [found.event.id]
    assert sum(guard.counters.get("shared", "taken_over") for guard in guards) == 1
    assert sum(guard.counters.get("session_expired") for guard in guards) == 1


def test_what_was_published_is_not_published_again(client: redis.Redis, redis_server: RedisServer) -> None:
    heard: list[SessionExpired] = []
    sessions = RedisSessions(redis_server.url, namespace="chat", key=KEY)
    guard = SessionGuard(POLICY, heard.append, shared=sessions)
    guard.report("OpenHuman API error (401 Unauthorized)", operation="chat", provider="OpenHuman", status=401)

    assert eventually(lambda: client.exists("sentry-filters:{chat}:process:state") == 1)
    assert eventually(lambda: not client.exists(UNPUBLISHED))
    guard.close()
    assert len(heard) == 1


class Other:
    """Another process, without threads."""

    def __init__(self) -> None:
        self.heard: list[SessionExpired] = []
        self.guard = SessionGuard(POLICY, self.heard.append)
        self.replica = Replica()
        self.exchange = Exchange(self.replica, parts_of(self.guard).lifecycle)

    def published(self) -> list[str]:
        self.guard.close()
        return [event.id for event in self.heard]


def test_who_takes_over_has_its_time_for_it(client: redis.Redis, store: Store) -> None:
    found = claimed(store)
    assert store.look().unpublished == []
    let_the_time_pass(client)

    assert store.look().unpublished == [found], "this one dies, too"
    assert store.look().unpublished == []

    let_the_time_pass(client)
    other = Other()
    other.exchange.synchronise(store)
    assert other.published() == [found.event.id]
    assert not client.exists(UNPUBLISHED)


def test_what_was_renewed_is_not_taken_over(client: redis.Redis, store: Store) -> None:
    claimed(store)
    store.renew(Renewal(name=EVERYONE, stamp=round(time.time() * 1e6)))
    let_the_time_pass(client)

    assert store.look().unpublished == []
    assert not client.exists(UNPUBLISHED)


def test_what_was_renewed_here_is_taken_over_by_nobody(client: redis.Redis, store: Store) -> None:
    claimed(store)
    let_the_time_pass(client)
    other = Other()
    other.replica.merge_renewal(Renewal(name=EVERYONE, stamp=round(time.time() * 1e6)))

    other.exchange.synchronise(store)

    assert other.published() == []
    assert not client.exists(UNPUBLISHED)


def test_who_has_published_it_alone_does_not_publish_it_again(client: redis.Redis, store: Store) -> None:
    other = Other()
    other.exchange.publish_alone(expiry(id="1" * 16))
    other.exchange.confirm(store)
    claimed(store)
    let_the_time_pass(client)

    other.exchange.synchronise(store)

    assert other.published() == ["1" * 16]
    assert not client.exists(UNPUBLISHED)


def test_a_later_expiry_of_the_session_is_not_confirmed_by_the_earlier_one(
    client: redis.Redis, store: Store
) -> None:
    earlier = claimed(store)
    stamp = round(time.time() * 1e6)
    store.renew(Renewal(name=EVERYONE, stamp=stamp))
    later = claimed(store, Expiry(name=earlier.name, after=stamp, event=expiry(id="2" * 16).event))

    store.published([earlier])
    let_the_time_pass(client)

    assert [one.event.id for one in store.look().unpublished] == [later.event.id]


def test_an_unreadable_record_is_counted(client: redis.Redis, store: Store) -> None:
    found = claimed(store)
    client.hset("sentry-filters:{chat}:process:state", f"e:{found.name}", f"0 {found.event.id} {{}}")
    client.zadd(UNPUBLISHED, {"nothing": 1})
    let_the_time_pass(client)
    other = Other()

    other.exchange.synchronise(store)

    assert other.guard.counters.get("shared", "malformed") >= 1
    assert other.published() == []
    assert client.zrange(UNPUBLISHED, 0, -1) == [f"{found.name} {found.event.id}"]


def test_the_key_ends(client: redis.Redis, store: Store) -> None:
    claimed(store)
    assert 0 < cast("int", client.ttl(UNPUBLISHED)) <= 86_400
