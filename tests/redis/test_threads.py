"""Only the guard's own two threads ever touch the network; forks and exits leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import pytest
import redis

from sentry_filters import Policy, RedisSessions, SessionExpired, SessionGuard
from sentry_filters.redis import sessions
from tests.redis.conftest import KEY
from tests.support.proxy import BlackHole
from tests.support.redis import RedisServer
from tests.support.threads import no_new_threads
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

POLICY = Policy(provider="OpenHuman")


def fail(guard: SessionGuard) -> None:
    guard.report("OpenHuman API error (401 Unauthorized)", operation="chat", provider="OpenHuman", status=401)


def shared(url: str) -> RedisSessions:
    return RedisSessions(url, namespace="chat", key=KEY)


@pytest.fixture
def pair(redis_server: RedisServer) -> Iterator[tuple[SessionGuard, SessionGuard]]:
    one, other = (SessionGuard(POLICY, lambda event: None, shared=shared(redis_server.url)) for _ in range(2))
    yield one, other
    one.close()
    other.close()


def socket_calls(act: Callable[[], object]) -> list[str]:
    """Return the calls that `act` makes on sockets, on this thread."""
    seen: list[str] = []

    def profile(frame: FrameType, event: str, called: object) -> None:
        if event == "c_call" and isinstance(getattr(called, "__self__", None), socket.socket):
            seen.append(str(getattr(called, "__name__", called)))

    gc.collect()  # what other tests left is closed before, not in the middle
    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(None)
    return seen


def test_the_probe_sees_what_it_looks_for(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        assert "sendall" in socket_calls(client.ping)


@pytest.mark.promise("never-blocks")
@pytest.mark.parametrize("swallowing", [False, True], ids=["healthy", "black hole"])
def test_no_caller_touches_the_network(redis_server: RedisServer, swallowing: bool) -> None:
    with BlackHole(redis_server.port) as hole:
        guard = SessionGuard(POLICY, lambda event: None, shared=shared(f"redis://127.0.0.1:{hole.port}"))
        if swallowing:
            hole.swallow.set()

        def everything() -> None:
            fail(guard)
            fail(guard)
            guard.session_renewed("token")
            guard.gate.check()
            fail(guard)

        assert socket_calls(everything) == []
        guard.close()


def test_a_start_waits_for_no_socket(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_SOCKET_SECONDS", 120.0)
    with BlackHole(redis_server.port) as hole:
        hole.swallow.set()
        before = time.perf_counter()
        guard = SessionGuard(POLICY, lambda event: None, shared=shared(f"redis://127.0.0.1:{hole.port}"))
        took = time.perf_counter() - before
        guard.close()

    assert took < 30.0  # a hang is meant: half a second is what it takes


def test_a_remote_renewal_wakes_those_who_wait(pair: tuple[SessionGuard, SessionGuard]) -> None:
    one, other = pair
    fail(one)
    assert eventually(lambda: not other.gate.is_open)

    async def waiting() -> bool:
        waiter = asyncio.create_task(other.gate.wait_async(10.0))
        await asyncio.sleep(0)
        await asyncio.to_thread(one.session_renewed, "token")
        return await waiter

    assert asyncio.run(waiting())
    assert other.gate.wait(0)


@pytest.mark.promise("fingerprint-key")
def test_nothing_in_redis_leads_back_to_the_credential_and_every_key_ends(
    redis_server: RedisServer, pair: tuple[SessionGuard, SessionGuard]
) -> None:
    one, other = pair
    fail(one)
    assert eventually(lambda: not other.gate.is_open)
    one.session_renewed("a-secret-session-token")
    assert eventually(lambda: other.gate.is_open)

    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        keys = client.keys("*")
        assert sorted(keys) == [f"sentry-filters:{{chat}}:process:{name}" for name in ("order", "state")]
        assert all(0 < client.ttl(key) <= 86_400 for key in keys)
        everything = str(client.hgetall("sentry-filters:{chat}:process:state"))
    assert "a-secret-session-token" not in everything
    assert KEY not in everything


@pytest.mark.promise("redis-messages")
def test_a_malformed_message_is_counted_and_ignored(
    redis_server: RedisServer, pair: tuple[SessionGuard, SessionGuard]
) -> None:
    one, other = pair
    with redis.Redis.from_url(redis_server.url) as client:
        assert eventually(lambda: client.publish("sentry-filters:{chat}:process:channel", b"\xff{") == 2)

    assert eventually(lambda: one.counters.get("shared", "malformed") >= 1)
    assert eventually(lambda: other.counters.get("shared", "malformed") >= 1)
    assert one.gate.is_open
    assert one.counters.get("faults") == 0


def test_two_parallel_failures_are_published_once(redis_server: RedisServer) -> None:
    published: list[SessionExpired] = []
    guards = [SessionGuard(POLICY, published.append, shared=shared(redis_server.url)) for _ in range(4)]
    together = threading.Barrier(4)

    def storm(guard: SessionGuard) -> None:
        together.wait()
        fail(guard)

    threads = [threading.Thread(target=storm, args=(guard,)) for guard in guards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for guard in guards:
        guard.close()

    assert len(published) == 1
    assert sum(guard.counters.get("shared", "claimed") for guard in guards) == 1


def test_close_ends_its_threads(redis_server: RedisServer) -> None:
    before = {*threading.enumerate()}
    guard = SessionGuard(POLICY, lambda event: None, shared=shared(redis_server.url))
    started = {*threading.enumerate()} - before
    guard.close(30.0)

    assert {one.name for one in started if one.name.startswith("sentry-filters-redis")}
    assert not any(one.is_alive() for one in started if one.name.startswith("sentry-filters-redis"))


def test_a_process_that_cannot_start_a_thread_publishes_for_itself(redis_server: RedisServer) -> None:
    heard: list[SessionExpired] = []
    with no_new_threads():
        guard = SessionGuard(POLICY, heard.append, shared=shared(redis_server.url))
    fail(guard)

    assert not guard.gate.is_open
    assert guard.counters.get("shared", "fallback") == 1
    guard.session_renewed("token")
    guard.close()
    assert len(heard) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_follows_the_others_by_itself(pair: tuple[SessionGuard, SessionGuard]) -> None:
    one, other = pair
    child = os.fork()
    if child == 0:  # the child: it only asks its gate
        os._exit(0 if eventually(lambda: not other.gate.is_open, 10.0) else 1)
    fail(one)

    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_one_for_each_guard(redis_server: RedisServer) -> None:
    one = shared(redis_server.url)
    guard = SessionGuard(POLICY, shared=one)
    with pytest.raises(ValueError, match="another guard"):
        SessionGuard(POLICY, shared=one)
    guard.close()
