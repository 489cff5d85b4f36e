"""All the ways in which people call a backend: whatever the client, a refused call raises."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import anthropic
import httpx
import httpx2
import openai
import requests
import urllib3

from tests.support.failing import CALLS, HEADERS, MESSAGES, TOKEN, Call, RefusedError


def by_openai_stream(url: str) -> None:
    with openai.OpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
        list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))


def by_openai_responses(url: str) -> None:
    with openai.OpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
        client.responses.create(model="m", input="hi")


def by_openai_embeddings(url: str) -> None:
    with openai.OpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
        client.embeddings.create(model="m", input="hi")


def by_openai_async(url: str) -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
            await client.chat.completions.create(model="m", messages=MESSAGES)

    asyncio.run(main())


def by_openai_stream_async(url: str) -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
            stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
            async for _ in stream:
                pass

    asyncio.run(main())


def by_anthropic_async(url: str) -> None:
    async def main() -> None:
        base = url.removesuffix("/v1")
        async with anthropic.AsyncAnthropic(base_url=base, api_key=TOKEN, max_retries=0) as client:
            await client.messages.create(model="m", max_tokens=9, messages=MESSAGES)

    asyncio.run(main())


def _async_by(library: Any) -> Call:
    def call(url: str) -> None:
        async def main() -> None:
            async with library.AsyncClient(headers=HEADERS) as client:
                (await client.post(f"{url}/chat/completions", json={})).raise_for_status()

        asyncio.run(main())

    return call


def by_session(url: str) -> None:
    with requests.Session() as session:
        session.headers.update(HEADERS)
        session.post(f"{url}/chat/completions", json={}, stream=True, timeout=5).raise_for_status()


def by_raising_aiohttp(url: str) -> None:
    """The session raises, before the application gets a response."""

    async def main() -> None:
        async with aiohttp.ClientSession(headers=HEADERS, raise_for_status=True) as session:
            async with session.post(f"{url}/chat/completions", json={}):
                pass

    asyncio.run(main())


def by_pool(url: str) -> None:
    parts = urlsplit(url)
    with urllib3.HTTPConnectionPool(parts.hostname or "", parts.port) as pool:
        response = pool.urlopen(
            "POST", f"{parts.path}/chat/completions", body=b"{}", headers=HEADERS, preload_content=False
        )
        if response.status != 200:
            raise RefusedError(f"HTTP {response.status}")


def by_http_client(url: str) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    try:
        connection.request("POST", f"{parts.path}/chat/completions", b"{}", HEADERS)
        response = connection.getresponse()
        if response.status != 200:
            raise RefusedError(f"HTTP {response.status}: {response.read().decode()}")
    finally:
        connection.close()


CALLERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        **CALLS,
        "httpx-async": _async_by(httpx),
        "httpx2-async": _async_by(httpx2),
        "openai-stream": by_openai_stream,
        "openai-responses": by_openai_responses,
        "openai-embeddings": by_openai_embeddings,
        "openai-async": by_openai_async,
        "openai-stream-async": by_openai_stream_async,
        "anthropic-async": by_anthropic_async,
        "requests-session": by_session,
        "aiohttp-raising": by_raising_aiohttp,
        "urllib3-pool": by_pool,
        "http.client": by_http_client,
    }
)
