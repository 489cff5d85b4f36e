"""HTTP clients without an SDK."""

from __future__ import annotations

import json
from typing import Any

from tests.frameworks.targets import MESSAGES, Target

BODY = {"model": "m", "messages": MESSAGES}


class CallFailed(Exception):
    """What applications raise round clients that raise nothing for a status."""


def httpx(target: Target) -> object:
    import httpx as library

    return library.post(target.chat, headers=target.headers, json=BODY).raise_for_status().json()


async def httpx_async(target: Target) -> object:
    import httpx as library

    async with library.AsyncClient(headers=target.headers) as client:
        return (await client.post(target.chat, json=BODY)).raise_for_status().json()


def httpx2(target: Target) -> object:
    import httpx2 as library

    return library.post(target.chat, headers=target.headers, json=BODY).raise_for_status().json()


def requests(target: Target) -> object:
    import requests as library

    response = library.post(target.chat, headers=target.headers, json=BODY, timeout=10)
    response.raise_for_status()
    return response.json()


async def aiohttp(target: Target) -> object:
    import aiohttp as library

    async with (
        library.ClientSession(headers=target.headers) as session,
        session.post(target.chat, json=BODY) as response,
    ):
        response.raise_for_status()
        return await response.json()


def urllib3(target: Target) -> object:
    import urllib3 as library

    response: Any = library.PoolManager().request("POST", target.chat, headers=target.headers, json=BODY)
    if response.status >= 400:
        raise CallFailed(f"the model's API answered {response.status}: {response.data.decode()}")
    return response.json()


def urllib(target: Target) -> object:
    from urllib.request import Request, urlopen

    headers = {**target.headers, "content-type": "application/json"}
    with urlopen(Request(target.chat, json.dumps(BODY).encode(), headers), timeout=10) as response:
        return json.load(response)
