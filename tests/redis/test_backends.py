"""Two backends in two processes: each one's end and renewal reach the other process, and no other backend."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from sentry_filters import Policy, RedisSessions, SessionExpired, SessionGuard
from tests.redis.conftest import KEY, ROOT
from tests.support.redis import RedisServer
from tests.support.secrets import fake
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

OLD, NEW = fake("eyJ", 40, seed="old"), fake("eyJ", 40, seed="new")
POLICIES = [Policy(provider="Alpha {x}:", hosts={"a:1"}), Policy(provider="Beta", hosts={"b:2"})]
# Fails at one of the backends, then says whose gates are closed whenever it is asked.
CHILD = """
import json, sys
from sentry_filters import Policy, RedisSessions, SessionGuard
url, key = sys.argv[1:]
policies = [Policy(provider="Alpha {x}:", hosts={"a:1"}), Policy(provider="Beta", hosts={"b:2"})]
shared = RedisSessions(url, namespace="two", key=key)
guard = SessionGuard(policies, lambda event: None, shared=shared)
for line in sys.stdin:
    act, _, provider = line.strip().partition(" ")
    if act == "fail":
        guard.report("x", operation="chat", provider=provider, status=401)
    elif act == "renew":
        guard.session_renewed(provider=provider)
    closed = [one.provider for one in policies if not guard.gate.of(one.provider).is_open]
    print(json.dumps(closed), flush=True)
guard.close()
"""


def test_one_backends_end_closes_its_gate_in_every_process_and_no_other(redis_server: RedisServer) -> None:
    published: list[SessionExpired] = []
    guard = SessionGuard(
        POLICIES, published.append, shared=RedisSessions(redis_server.url, namespace="two", key=KEY)
    )
    alpha, beta = (guard.gate.of(policy.provider) for policy in POLICIES)
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, redis_server.url, KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as child:

        def ask(line: str) -> list[str]:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(f"{line}\n")
            child.stdin.flush()
            return list(json.loads(child.stdout.readline()))

        assert ask("fail Beta") == ["Beta"]
        assert eventually(lambda: not beta.is_open)
        assert alpha.is_open

        guard.report("x", operation="chat", provider="Alpha {x}:", status=401)
        assert eventually(lambda: ask("state") == ["Alpha {x}:", "Beta"])
        ids = {event.id for gate in (alpha, beta) for event in gate._closed_by.values()}
        assert len(ids) == 2

        guard.session_renewed(provider="Beta")
        assert eventually(lambda: ask("state") == ["Alpha {x}:"])
        assert not alpha.is_open
        ask("renew Alpha {x}:")
        assert eventually(lambda: alpha.is_open)
        assert child.stdin is not None
        child.stdin.close()
    guard.bus.flush()
    assert [event.provider for event in published] == ["Alpha {x}:"], (
        "Beta's was the other process's to publish"
    )
    assert guard.counters.get("faults") == 0
    guard.close()


@pytest.mark.parametrize("first", [POLICIES, POLICIES[:1]])
def test_it_serves_one_guard(redis_server: RedisServer, first: list[Policy]) -> None:
    shared = RedisSessions(redis_server.url, namespace="two", key=KEY)
    guard = SessionGuard(first, shared=shared)

    for others in (POLICIES, POLICIES[:1]):
        with pytest.raises(ValueError, match="serves another guard already"):
            SessionGuard(others, shared=shared)
    guard.close()
