"""Calls by real clients that a backend refuses: what each of them raises is evidence."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import aiohttp
import anthropic
import httpx
import httpx2
import openai
import requests
import urllib3
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

TOKEN = "eyJ" + "t" * 40
HEADERS = {"authorization": f"Bearer {TOKEN}"}
MESSAGES: Any = [{"role": "user", "content": "hi"}]

Call = Callable[[str], object]
"""Calls the chat completions below a base URL; raises as its client does."""


def by_httpx(url: str) -> None:
    httpx.post(f"{url}/chat/completions", json={}, headers=HEADERS).raise_for_status()


def by_httpx2(url: str) -> None:
    httpx2.post(f"{url}/chat/completions", json={}, headers=HEADERS).raise_for_status()


def by_openai(url: str) -> None:
    with openai.OpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
        client.chat.completions.create(model="m", messages=MESSAGES)


def by_anthropic(url: str) -> None:
    base = url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base, api_key=TOKEN, max_retries=0) as client:
        client.messages.create(model="m", max_tokens=9, messages=MESSAGES)


def by_requests(url: str) -> None:
    requests.post(f"{url}/chat/completions", json={}, headers=HEADERS, timeout=5).raise_for_status()


def by_aiohttp(url: str) -> None:
    async def main() -> None:
        async with aiohttp.ClientSession(headers=HEADERS) as session:
            async with session.post(f"{url}/chat/completions", json={}) as response:
                response.raise_for_status()

    asyncio.run(main())


def by_urllib(url: str) -> None:
    request = urllib.request.Request(f"{url}/chat/completions", b"{}", HEADERS, method="POST")
    with urllib.request.urlopen(request, timeout=5):
        pass


class RefusedError(Exception):
    """What an application raises that has HTTP code of its own."""


def by_urllib3(url: str) -> None:
    with urllib3.PoolManager() as pool:
        response = pool.request("POST", f"{url}/chat/completions", body=b"{}", headers=HEADERS)
        if response.status != 200:
            raise RefusedError(f"HTTP {response.status}")


def by_botocore(url: str) -> None:
    """Do as botocore's client does: its error has a dict, the endpoint lies in a local beside it."""
    request = AWSRequest("POST", f"{url}/chat/completions", HEADERS, b"{}").prepare()
    session = URLLib3Session()
    http: AWSResponse = session.send(request)
    session.close()
    if http.status_code != 200:
        told = {"HTTPStatusCode": http.status_code, "HTTPHeaders": dict(http.headers), "RetryAttempts": 0}
        raise ClientError({"Error": {"Code": "Refused", "Message": "no"}, "ResponseMetadata": told}, "Chat")


CALLS: Mapping[str, Call] = MappingProxyType(
    {
        "httpx": by_httpx,
        "httpx2": by_httpx2,
        "openai": by_openai,
        "anthropic": by_anthropic,
        "requests": by_requests,
        "aiohttp": by_aiohttp,
        "urllib": by_urllib,
        "urllib3": by_urllib3,
        "botocore": by_botocore,
    }
)


def raised_by(act: Callable[[], object]) -> BaseException:
    """Return what `act` raises, with its traceback and context."""
    try:
        act()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")
