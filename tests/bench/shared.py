"""How soon an expiry in one process closes the gates of seven others, beside a bare PUBLISH."""

from __future__ import annotations

import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import redis

from sentry_filters import Failure, Policy, RedisSessions, Response, SessionGuard
from sentry_filters.guard import parts_of
from tests.bench.table import LeftOut, Row
from tests.bench.timing import Effort
from tests.support.redis import RedisServer
from tests.support.secrets import fake

_OTHERS = 7
_ROUNDS = 200
_KEY = fake("", 40, seed="bench")
TITLE = f"Several processes: from the first failure to the last of {_OTHERS} gates"
_POLICY = Policy(provider="OpenHuman", scope="session")


def rows(effort: Effort) -> Iterator[Row | LeftOut]:
    """Measure both in turns, each until the last of the other processes has it."""
    if shutil.which("redis-server") is None:
        yield LeftOut("shared", "there is no redis-server: apt-get install redis-server")
        return
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            bare, gates = _measured(server.url, min(_ROUNDS, effort.items))
        finally:
            server.kill()
    ratio = _p99(gates) / _p99(bare)
    yield Row(f"PUBLISH until the last of {_OTHERS} bare subscribers has it", _median(bare), _p99(bare))
    yield Row(
        f"failure until the last of {_OTHERS} gates is closed / bare, p99",
        _median(gates),
        _p99(gates),
        ratio,
        5.0,
    )


def _measured(url: str, rounds: int) -> tuple[list[float], list[float]]:
    context = multiprocessing.get_context("spawn")
    ends: list[Connection] = []
    processes = []
    for _ in range(_OTHERS):
        near, far = context.Pipe()
        process = context.Process(target=_other, args=(url, far), daemon=True)
        process.start()
        ends.append(near)
        processes.append(process)
    guard = SessionGuard(_POLICY, lambda event: None, shared=_shared(url))
    client = redis.Redis.from_url(url)
    for end in ends:
        end.recv()
    bare: list[float] = []
    gates: list[float] = []
    for number in range(rounds):  # by turns, so that both see the same machine
        session = f"{number:012x}"
        for end in ends:
            end.send(session)
        for end in ends:
            end.recv()
        before = time.perf_counter()
        client.publish("bare", session)
        bare.append((max(end.recv() for end in ends) - before) * 1e6)
        before = time.perf_counter()
        parts_of(guard).decider.decide("report", (_failure(session),))
        gates.append((max(end.recv() for end in ends) - before) * 1e6)
    for end in ends:
        end.send(None)
    for process in processes:
        process.join(10.0)
    guard.close()
    client.close()
    return bare, gates


def _other(url: str, end: Connection) -> None:
    guard = SessionGuard(_POLICY, lambda event: None, shared=_shared(url))
    pubsub = redis.Redis.from_url(url).pubsub()  # type: ignore[no-untyped-call]
    pubsub.subscribe("bare")
    while pubsub.get_message(timeout=1.0) is None:
        pass
    end.send("ready")
    while (session := end.recv()) is not None:
        end.send("waiting")
        while pubsub.get_message(timeout=1.0) is None:
            pass
        end.send(time.perf_counter())
        while guard.gate.is_open_for(session):
            time.sleep(0.00005)
        end.send(time.perf_counter())
    guard.close()


def _shared(url: str) -> RedisSessions:
    return RedisSessions(url, namespace="bench", key=_KEY)


def _failure(session: str) -> Failure:
    response = Response(body_known=True, status=401, session=session, operation="chat", recorded=True)
    return Failure(
        domain="llm_provider",
        provider="OpenHuman",
        operation="chat",
        status=401,
        failure="non_2xx",
        response=response,
    )


def _median(taken: list[float]) -> float:
    return statistics.median(taken)


def _p99(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=100)[98]
