"""A backend and token endpoint for crowds: asyncio, any number of connections, two counters."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from types import TracebackType
from typing import Self

from tests.support.backend import INVALID_TOKEN
from tests.support.tokens import jwt

_ANSWER = b'{"id":"chatcmpl-1"}'


class CrowdBackend:
    """Serves `POST /v1/chat/completions`, and `/token` as `TokenEndpoint` does; in a thread of its own.

    Attributes:
        answers: How many calls got which status.
        refreshes: How often the token endpoint was asked.
        refusing: The status of the token endpoint, 200 for a new session.
        slow: Seconds until it answers.
        awaited: How many processes, by their header `x-process`, it first waits for to have failed.
    """

    def __init__(self) -> None:
        self.current = jwt(None, seed="old")
        self.valid: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.refreshes = 0
        self.refusing = 200
        self.slow = 0.0
        self.awaited = 0
        self._failed: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.address = ""

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10.0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *lines = head.split("\r\n")
                headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
                await reader.readexactly(int(headers.get("content-length") or 0))
                status, body = await self._answer(line.split()[0], line.split()[1], headers)
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                    % (status, len(body), body)
                )
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    async def _answer(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        if path == "/token":
            return await self._token(method)
        known = headers.get("authorization", "").removeprefix("Bearer ") in self.valid
        self.answers[200 if known else 401] += 1
        if not known:
            self._failed.add(headers.get("x-process", ""))
        return (200, _ANSWER) if known else (401, INVALID_TOKEN.encode())

    async def _token(self, method: str) -> tuple[int, bytes]:
        if method == "GET":
            return 200, self.current.encode()
        self.refreshes += 1
        number = self.refreshes
        latest = self._loop.time() + 15.0
        while len(self._failed) < self.awaited and self._loop.time() < latest:
            await asyncio.sleep(0.01)
        await asyncio.sleep(self.slow)
        if self.refusing != 200:
            return self.refusing, b"{}"
        self.current = jwt(None, seed=str(number))
        self.valid = {self.current}
        return 200, self.current.encode()
