"""A Redis server, and worker processes that share their sessions through it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.backend import LLMBackend
from tests.support.receiver import SentryReceiver
from tests.support.redis import RedisServer
from tests.support.secrets import fake

KEY = fake("", 40, seed="deployment")
ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """One process; each method is one command and returns its state afterwards."""

    def __init__(self, *arguments: str, module: str = "tests.redis.worker") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "SENTRY_FILTERS_KEY": KEY},
        )

    def say(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))

    def ask(self, command: str) -> dict[str, Any]:
        self.say(command)
        return self.hear()

    def hang_up(self) -> None:
        """Close its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def end(self) -> int:
        """Close its input, and return its exit status."""
        self.hang_up()
        assert self._process.stdout is not None
        self._process.stdout.close()
        try:
            return self._process.wait(15.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return -1


StartWorkers = Callable[..., list[Worker]]


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that keeps nothing on disk."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def start(redis_server: RedisServer, backend: LLMBackend, receiver: SentryReceiver) -> Iterator[StartWorkers]:
    """Start this many workers, ready to work."""
    with ExitStack() as stack:

        def start(count: int, *, url: str = redis_server.url, scope: str = "process") -> list[Worker]:
            workers = [Worker(url, "chat", receiver.dsn, backend.address, scope) for _ in range(count)]
            for worker in workers:
                stack.callback(worker.end)
            return workers

        yield start
