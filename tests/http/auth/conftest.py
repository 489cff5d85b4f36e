"""A backend whose session has ended, the token endpoint beside it, and every client that takes an auth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests

from sentry_filters import SessionGuard
from tests.support.backend import LLMBackend
from tests.support.tokens import TokenEndpoint, jwt

Call = Callable[..., Any]
"""Makes one call with an auth at this URL, and returns its status and text."""


@pytest.fixture
def tokens(backend: LLMBackend) -> Iterator[TokenEndpoint]:
    """The token endpoint; the session that it gave last has ended."""
    with TokenEndpoint(backend) as server:
        server.state.current = jwt(None, seed="old")
        yield server


@pytest.fixture
def chat(backend: LLMBackend) -> str:
    """URL of the LLM call."""
    return f"{backend.url}/chat/completions"


def with_httpx(auth: Any, url: str, *, method: str = "POST", **options: Any) -> tuple[int, str]:
    with httpx.Client(auth=auth, trust_env=False, follow_redirects=True) as client:
        response = client.request(method, url, **({"json": {}} | options))
        return response.status_code, response.text


def with_httpx2(auth: Any, url: str, *, method: str = "POST") -> tuple[int, str]:
    with httpx2.Client(auth=auth, trust_env=False, follow_redirects=True) as client:
        response = client.request(method, url, json={})
        return response.status_code, response.text


def with_requests(auth: Any, url: str, *, method: str = "POST") -> tuple[int, str]:
    with requests.Session() as session:
        session.trust_env = False
        session.auth = auth
        response = session.request(method, url, json={}, timeout=20)
        return response.status_code, response.text


def with_httpx_async(auth: Any, url: str, *, method: str = "POST") -> tuple[int, str]:
    async def call() -> tuple[int, str]:
        async with httpx.AsyncClient(auth=auth, trust_env=False, follow_redirects=True) as client:
            response = await client.request(method, url, json={})
            return response.status_code, response.text

    return asyncio.run(call())


def with_httpx2_async(auth: Any, url: str, *, method: str = "POST") -> tuple[int, str]:
    async def call() -> tuple[int, str]:
        async with httpx2.AsyncClient(auth=auth, trust_env=False, follow_redirects=True) as client:
            response = await client.request(method, url, json={})
            return response.status_code, response.text

    return asyncio.run(call())


def with_aiohttp(auth: Any, url: str, *, method: str = "POST") -> tuple[int, str]:
    async def call() -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(middlewares=(auth.aiohttp,)) as session,
            session.request(method, url, json={}) as response,
        ):
            return response.status, await response.text()

    return asyncio.run(call())


CLIENTS = (with_httpx, with_httpx2, with_requests, with_httpx_async, with_httpx2_async, with_aiohttp)


@pytest.fixture(params=CLIENTS, ids=lambda call: call.__name__)
def call(request: pytest.FixtureRequest) -> Call:
    """Each client in turn."""
    made: Call = request.param
    return made


@pytest.fixture
def published(guard: SessionGuard, expired: list[Any]) -> Callable[[], int]:
    """How many expiries were published so far."""

    def count() -> int:
        guard.bus.flush()
        return len(expired)

    return count
