"""How a process calls its backend: with a blocking client, or with an async one in an event loop.

Both report a failed call as applications do: in a span, which records the error and fails, and to Sentry.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from tests.certainty.interruption import Interruption


@dataclass
class Turn:
    """One turn of the application's work, and what came of it.

    Args:
        error: What it failed with, as it was raised.
        is_open: Whether the gate was open when the failure had been reported.
    """

    error: Exception | None = None
    is_open: bool = True


class Turns(Protocol):
    """Makes turns."""

    def __call__(self, *, reported: bool, interruption: Interruption | None) -> AbstractContextManager[Turn]:
        """Return the block of a turn; its error ends with it."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call.

    Args:
        url: Base URL of the backend.
        token: The credential.
        auth: The client's own auth flow.
        guarded: Whether the guard sees the client.
        reported: Whether the application reports its failure.
        interruption: What happens in the middle of that.
    """

    url: str
    token: str
    auth: httpx.Auth | None = None
    guarded: bool = True
    reported: bool = True
    interruption: Interruption | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """What a client's `post` takes."""
        headers = {"authorization": f"Bearer {self.token}"}
        auth = httpx.USE_CLIENT_DEFAULT if self.auth is None else self.auth
        return {"url": f"{self.url}/chat/completions", "json": {}, "headers": headers, "auth": auth}


class RefreshingAuth(httpx.Auth):
    """Signs in inside the call: a 401 is answered by another attempt with a new credential."""

    def __init__(self, token: str, renewed: str) -> None:
        self._token = token
        self._renewed = renewed

    def auth_flow(self, request: httpx.Request) -> Any:
        """Send with the old credential, and then with the new one."""
        request.headers["authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == 401:
            request.headers["authorization"] = f"Bearer {self._renewed}"
            yield request


class Calls(Protocol):
    """How a process calls."""

    def post(self, request: Request) -> Turn:
        """Make a call, and report it if it fails."""

    def start(self, request: Request) -> Future[Turn]:
        """Begin such a call."""

    def subscribe(self, subscribe: Callable[[Any], object], handle: Callable[[Any], None]) -> None:
        """Subscribe a handler of the kind that such applications have."""

    def close(self) -> None:
        """Give everything up."""


class Blocking:
    """Calls with `httpx.Client`, in the thread that asks.

    Args:
        prepare: Lets the guard and the instrumentation see a client.
        turns: Makes turns.
    """

    def __init__(self, prepare: Callable[[Any], object], turns: Turns) -> None:
        self._bare, self._guarded = (httpx.Client(trust_env=False) for _ in range(2))
        prepare(self._guarded)
        self._turns = turns
        self._pool = ThreadPoolExecutor(1)

    def post(self, request: Request) -> Turn:
        client = self._guarded if request.guarded else self._bare
        with self._turns(reported=request.reported, interruption=request.interruption) as turn:
            client.post(**request.arguments).raise_for_status()
        return turn

    def start(self, request: Request) -> Future[Turn]:
        return self._pool.submit(self.post, request)

    def subscribe(self, subscribe: Callable[[Any], object], handle: Callable[[Any], None]) -> None:
        subscribe(handle)

    def close(self) -> None:
        self._pool.shutdown()
        self._bare.close()
        self._guarded.close()


class Looping:
    """Calls with `httpx.AsyncClient`, in an event loop of a thread of its own; arguments as of `Blocking`."""

    def __init__(self, prepare: Callable[[Any], object], turns: Turns) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._bare, self._guarded = (httpx.AsyncClient(trust_env=False) for _ in range(2))
        prepare(self._guarded)
        self._turns = turns

    def post(self, request: Request) -> Turn:
        return self.start(request).result(60)

    def start(self, request: Request) -> Future[Turn]:
        return asyncio.run_coroutine_threadsafe(self._post(request), self._loop)

    async def _post(self, request: Request) -> Turn:
        client = self._guarded if request.guarded else self._bare
        with self._turns(reported=request.reported, interruption=request.interruption) as turn:
            (await client.post(**request.arguments)).raise_for_status()
        return turn

    def subscribe(self, subscribe: Callable[[Any], object], handle: Callable[[Any], None]) -> None:
        async def handler(event: Any) -> None:
            await asyncio.to_thread(handle, event)

        async def in_the_loop() -> None:
            subscribe(handler)

        asyncio.run_coroutine_threadsafe(in_the_loop(), self._loop).result(60)

    def close(self) -> None:
        async def give_up() -> None:
            await self._bare.aclose()
            await self._guarded.aclose()
            await asyncio.get_running_loop().shutdown_default_executor()

        asyncio.run_coroutine_threadsafe(give_up(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
