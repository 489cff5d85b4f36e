"""The model's store does what Redis does with the package's scripts, on commands at random."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import redis

from sentry_filters.redis.messages import EVERYONE, UNNAMED, Expiry, Renewal, read_message
from sentry_filters.redis.store import Store
from tests.model.store import Kept, ModelStore
from tests.redis.conftest import redis_server
from tests.redis.test_messages import expiry
from tests.support.redis import RedisServer

__all__ = ["redis_server"]  # the fixture

NAMES = ("a" * 12, "b" * 12, UNNAMED)


def expiry_of(kept: Kept) -> Expiry:
    name, after, id_ = kept
    event = expiry(id=id_, session=None if name == UNNAMED else name).event
    return Expiry(name=name, after=after, event=event)


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


@pytest.mark.integration
@pytest.mark.parametrize("scope", ["process", "session"])
def test_both_stores_answer_alike(client: redis.Redis, scope: str) -> None:
    chance = random.Random(scope)
    at = round(expiry().event.at.timestamp() * 1e6)
    for round_ in range(150):
        real, model = Store(client, f"n{round_}", scope), ModelStore(scope, expiry_of)
        said = client.pubsub()  # type: ignore[no-untyped-call]  # redis-py types a part of itself
        said.subscribe(real.channel)
        said.get_message(timeout=5.0)
        for _ in range(12):
            name, stamp = chance.choice(NAMES), at + chance.randrange(6)
            if chance.random() < 0.4:
                named = chance.choice((EVERYONE, EVERYONE, *NAMES))
                credential = chance.choice((None, *NAMES[:2])) if named == EVERYONE else None
                renewal = Renewal(name=named, stamp=stamp, credential=credential)
                real.renew(renewal)
                model.renew(renewal)
                continue
            after = chance.choice((0, stamp))
            claimed = expiry_of((name, after, f"{chance.randrange(4):016x}"))
            begun = chance.choice((None, at - 1, at + chance.randrange(8)))
            assert real.claim(claimed, begun) == model.claim(claimed, begun)
        heard = [read_message(said.get_message(timeout=5.0)["data"])[1] for _ in model.said]
        kept = [
            (one.name, one.stamp, one.credential)
            if isinstance(one, Renewal)
            else (one.name, one.after, one.event.id)
            for one in heard
        ]
        assert kept == model.said
        said.close()
