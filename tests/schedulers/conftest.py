"""A Redis for each test, and workers of the test's applications."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.schedulers.waiting import until
from tests.support.receiver import SentryReceiver
from tests.support.redis import running_redis
from tests.support.services import Process

RunWorker = Callable[..., Process]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[str]:
    """The URL of a server of this test's own."""
    with running_redis(tmp_path) as url:
        yield url


@pytest.fixture
def run_worker(redis_server: str, receiver: SentryReceiver, tmp_path: Path) -> Iterator[RunWorker]:
    """Run a module with arguments as a worker; ready once it has printed `ready`."""
    with ExitStack() as stack:

        def run(*arguments: str, ready: str) -> Process:
            log = tmp_path / f"worker-{len(list(tmp_path.glob('worker-*')))}.log"
            environ = {
                **os.environ,
                "TEST_REDIS": redis_server,
                "TEST_DSN": receiver.dsn,
                "PYTHONPATH": str(ROOT),
            }
            command = [sys.executable, "-W", "ignore", "-u", "-m", *arguments]
            process = Process(
                command, ready=lambda: ready in log.read_text(), log=log, environ=environ, folder=tmp_path
            )
            return stack.enter_context(process)

        yield run


def stop(worker: Process) -> None:
    """End a worker as a supervisor does: by SIGTERM, waiting until it has gone of its own accord."""

    def end() -> os.waitid_result | None:
        return os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)

    os.kill(worker.pid, signal.SIGTERM)
    until(end)
    ended = end()
    assert ended is not None
    assert ended.si_code == os.CLD_EXITED
