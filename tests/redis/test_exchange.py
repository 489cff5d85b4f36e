"""What coincides: a look at Redis before a claim, a renewal before a gate is closed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

import pytest
import redis

from sentry_filters import Policy, SessionExpired, SessionExpiredError, SessionGuard
from sentry_filters.evidence import failure_of_tags, stated_tags
from sentry_filters.guard import parts_of
from sentry_filters.redis.exchange import Exchange
from sentry_filters.redis.messages import EVERYONE, UNNAMED, Expiry, Renewal
from sentry_filters.redis.replica import Replica
from sentry_filters.redis.store import Store
from tests.redis.test_messages import expiry
from tests.support.redis import RedisServer

pytestmark = pytest.mark.integration


@pytest.fixture
def store(redis_server: RedisServer) -> Iterator[Store]:
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield Store(client, "chat", "process")


def found() -> Expiry:
    return expiry(id="1" * 16)


def named(name: str) -> Expiry:
    return dataclasses.replace(expiry(id=name[:1] * 16, session=name), name=name)


def test_an_expiry_found_before_the_first_look_is_published_by_its_own_claim(store: Store) -> None:
    heard: list[SessionExpired] = []
    guard = SessionGuard(Policy(provider="OpenHuman"), heard.append)
    replica = Replica()
    exchange = Exchange(replica, parts_of(guard).lifecycle)

    replica.found(found())
    exchange.synchronise(store)  # Redis lacks what is known here, but this is not the one to say it
    exchange.claim(store, found(), round(time.time() * 1e6))
    guard.close()

    assert [event.id for event in heard] == ["1" * 16]


def test_an_expiry_published_alone_is_shared_at_the_next_look(store: Store) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    replica = Replica()
    exchange = Exchange(replica, parts_of(guard).lifecycle)

    replica.found(found())
    exchange.publish_alone(found())
    exchange.synchronise(store)
    guard.close()

    assert [one.event.id for one in store.load().expiries] == ["1" * 16]


def test_what_redis_missed_is_written_although_nothing_changed_there(store: Store) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    replica = Replica()
    exchange = Exchange(replica, parts_of(guard).lifecycle)
    store.claim(named("a" * 12), None)
    exchange.synchronise(store)

    replica.merge_expiry(named("b" * 12))
    replica.merge_renewal(Renewal(name=EVERYONE, stamp=round(time.time() * 1e6)))
    exchange.missed()
    exchange.synchronise(store)
    guard.close()

    state = store.load()
    assert {one.name for one in state.expiries} == {"a" * 12, "b" * 12}
    assert [one.name for one in state.renewals] == [EVERYONE]


def test_news_does_not_wait_until_everything_is_written_again(store: Store) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    replica = Replica()
    exchange = Exchange(replica, parts_of(guard).lifecycle)
    for name in ("a" * 12, "b" * 12, "c" * 12):
        replica.merge_expiry(named(name))

    exchange.synchronise(store, interrupted=lambda: True)
    assert len(store.load().expiries) == 1

    exchange.synchronise(store)
    assert {one.name for one in store.load().expiries} == {"a" * 12, "b" * 12, "c" * 12}
    guard.close()


def test_an_expiry_from_elsewhere_that_a_renewal_has_ended_leaves_the_gate_open() -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    guard.session_renewed("new")

    Exchange(Replica(), parts_of(guard).lifecycle)._apply(found())

    assert guard.gate.is_open
    tags = stated_tags("llm_provider", "chat", "OpenHuman", 401)
    late = failure_of_tags(tags, at=time.time() + 60)
    assert parts_of(guard).decider.decide("event", (late,)).drop
    assert not guard.gate.is_open
    guard.close()


def test_a_session_that_works_again_elsewhere_opens_the_gate_for_its_own_expiry_only() -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    exchange = Exchange(Replica(), parts_of(guard).lifecycle)
    exchange._apply(named("a" * 12))
    exchange._apply(named("b" * 12))

    exchange._apply(Renewal(name="a" * 12, stamp=round(time.time() * 1e6)))
    assert not guard.gate.is_open
    exchange._apply(Renewal(name="b" * 12, stamp=round(time.time() * 1e6)))
    assert guard.gate.is_open
    guard.close()


def test_a_renewal_heard_of_after_the_expiry_that_followed_it_opens_nothing() -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    exchange = Exchange(Replica(), parts_of(guard).lifecycle)
    stamp = round(time.time() * 1e6)
    exchange._apply(named("b" * 12))
    exchange._apply(dataclasses.replace(named("a" * 12), after=stamp))

    exchange._apply(Renewal(name=EVERYONE, stamp=stamp, credential="a" * 12))

    with pytest.raises(SessionExpiredError) as refused:
        guard.gate.check()
    assert refused.value.event.session == "a" * 12
    exchange._apply(Renewal(name="a" * 12, stamp=stamp + 1))
    assert guard.gate.is_open, "the other one was over"
    guard.close()


def test_where_several_found_one_expiry_all_say_the_published_one_again(store: Store) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    replica = Replica()
    exchange = Exchange(replica, parts_of(guard).lifecycle)
    store.claim(found(), None)
    mine = dataclasses.replace(found(), event=dataclasses.replace(found().event, id="2" * 16))
    replica.found(mine)

    exchange.claim(store, mine, round(time.time() * 1e6))

    expiries, _ = replica.everything()
    assert [one.event.id for one in expiries] == ["1" * 16]
    guard.close()


def test_an_expiry_without_credential_that_was_a_known_ones_ends_with_it(store: Store) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    replica = Replica()
    exchange = Exchange(replica, parts_of(guard).lifecycle)
    store.claim(named("a" * 12), round(time.time() * 1e6))
    event = expiry(id="2" * 16, session=None).event
    mine = Expiry(name=UNNAMED, after=0, event=event)
    replica.found(mine)

    exchange.claim(store, mine, round(time.time() * 1e6))
    exchange._apply(Renewal(name="a" * 12, stamp=round(time.time() * 1e6)))

    assert guard.gate.is_open
    guard.close()


def test_an_expiry_without_credential_that_was_published_alone_ends_with_a_known_ones(store: Store) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    exchange = Exchange(replica := Replica(), parts_of(guard).lifecycle)
    mine = Expiry(name=UNNAMED, after=0, event=expiry(id="2" * 16, session=None).event)
    replica.found(mine)
    exchange.publish_alone(mine)
    parts_of(guard).lifecycle.adopt_expiry(None, mine.event, 0)  # the gate is closed, as where it was found
    store.claim(named("a" * 12), round(time.time() * 1e6))

    exchange.synchronise(store)
    assert not guard.gate.is_open
    store.renew(Renewal(name="a" * 12, stamp=round(time.time() * 1e6)))  # it works again elsewhere
    exchange.synchronise(store)

    assert guard.gate.is_open
    guard.close()


def test_an_end_is_published_although_its_call_began_before_one_was_found_that_a_success_has_ended(
    store: Store,
) -> None:
    heard: list[SessionExpired] = []
    guard = SessionGuard(Policy(provider="OpenHuman"), heard.append)
    unnamed = Expiry(name=UNNAMED, after=0, event=expiry(id="1" * 16, session=None).event)
    at = round(unnamed.event.at.timestamp() * 1e6)
    store.claim(unnamed, at - 2_000_000)
    store.renew(Renewal(name=UNNAMED, stamp=at + 1))  # a call succeeded: it was no end
    mine = dataclasses.replace(named("a" * 12), after=at + 1)

    Exchange(Replica(), parts_of(guard).lifecycle).claim(store, mine, at - 1_000_000)

    guard.close()
    assert [event.id for event in heard] == [mine.event.id]
