"""End to end: a FastAPI application, Sentry's tracing and OTLP, bare and guarded, healthy and in a storm."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.table import Row, rated
from tests.bench.timing import Effort, Samples
from tests.bench.words import Words

TITLE = "End to end: a FastAPI application, four requests at a time, guarded / bare"

_AT_A_TIME = 4
_TURNS = 12
_MEDIAN = 0.5
_PROMPT = 600  # characters


@dataclass(slots=True)
class _Load:
    """What one application took.

    Args:
        latency: Microseconds of every request, turn by turn.
        wall: Microseconds of a turn for each request.
        processor: Of the application's process for each request, everything sent.
    """

    latency: Samples = field(default_factory=Samples)
    wall: Samples = field(default_factory=Samples)
    processor: Samples = field(default_factory=Samples)


def rows(effort: Effort) -> Iterator[Row]:
    """Let both applications serve in turns, first while the session is alive, then after it has ended."""
    words = Words()
    with ExitStack() as stack:
        backend = stack.enter_context(_process("receiving"))()
        starting = {
            name: stack.enter_context(_process("served", name, backend)) for name in ("bare", "guarded")
        }
        sides = {name: address() for name, address in starting.items()}
        for address in sides.values():  # what is met for the first time
            _requests(address, _AT_A_TIME, words)
        healthy = _in_turns(sides, words, effort.turns, effort.calls)
        _ask(backend, "POST", "/storm")
        storm = _in_turns(sides, words, effort.turns, effort.calls // 2)  # bare, each is slow
    yield from _rows("FastAPI application, healthy", healthy, 1.08)
    yield from _rows("FastAPI application, our own storm", storm, 1.0)


def _rows(name: str, taken: dict[str, _Load], most: float) -> Iterator[Row]:
    bare, guarded = taken["bare"], taken["guarded"]
    for what, ours, other, at, limit, unit in (
        ("processor time of 1,000 requests", guarded.processor, bare.processor, _MEDIAN, most, "s"),
        ("time for a request, four at a time", guarded.wall, bare.wall, _MEDIAN, None, "ms"),
        ("latency, median", guarded.latency, bare.latency, _MEDIAN, None, "ms"),
        ("latency, p99", guarded.latency, bare.latency, 0.99, None, "ms"),
    ):
        note = f"bare {(other.median if at == _MEDIAN else other.p99) / 1_000:.1f} {unit}"
        if other is bare.wall:
            note = f"{1e6 / ours.median:,.0f} requests a second, bare {1e6 / other.median:,.0f}"
        yield rated(
            f"{name}: {what}", ours.median / 1_000, ours.p99 / 1_000, ours.over(other, at), limit, note, unit
        )


def _in_turns(sides: dict[str, str], words: Words, turns: int, requests: int) -> dict[str, _Load]:
    loads = {name: _Load() for name in sides}
    order = list(sides)
    for _ in range(max(2, min(_TURNS, turns))):
        order.reverse()
        for name in order:
            load, address = loads[name], sides[name]
            before = _processor(address)
            started = time.perf_counter()
            latency = _requests(address, max(_AT_A_TIME, requests), words)
            wall = time.perf_counter() - started
            load.latency.blocks.append(latency)
            load.wall.blocks.append([wall / len(latency) * 1e6])
            load.processor.blocks.append([(_processor(address) - before) / len(latency) * 1e6])
    return loads


def _requests(address: str, number: int, words: Words) -> list[float]:
    """Make requests, some at a time; return microseconds of each."""
    bodies = [
        json.dumps({"system": words.prose(_PROMPT), "content": words.prose(_PROMPT)}).encode()
        for _ in range(number)
    ]
    paths = [words.filler().fill("/conversations/zz7hex32n0zz/messages") for _ in bodies]
    given = iter(zip(paths, bodies, strict=True))
    lock, taken = threading.Lock(), list[float]()

    def work() -> None:
        connection = http.client.HTTPConnection(address)
        while True:
            with lock:
                one = next(given, None)
            if one is None:
                return connection.close()
            path, body = one
            started = time.perf_counter()
            connection.request("POST", path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            taken.append((time.perf_counter() - started) * 1e6)
            if answer.status == 500:  # after an error that nobody handled, the server hangs up
                connection.close()

    working = [threading.Thread(target=work) for _ in range(_AT_A_TIME)]
    for one in working:
        one.start()
    for one in working:
        one.join()
    assert len(taken) == number, "a request was not answered"
    return taken


def _processor(address: str) -> float:
    return float(json.loads(_ask(address, "GET", "/processor"))["seconds"])


def _ask(address: str, method: str, path: str) -> bytes:
    connection = http.client.HTTPConnection(address)
    connection.request(method, path, b"" if method == "POST" else None)
    answer = connection.getresponse().read()
    connection.close()
    return answer


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[Callable[[], str]]:
    """Start a process, and yield what waits for its address."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            yield lambda: str(json.loads(stdout.readline()))
        finally:
            stdin.close()
