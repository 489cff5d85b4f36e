"""`guard.instrument(client)`: what people hold in their hands, and nobody else's calls."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import aiohttp
import anthropic
import httpx
import openai
import pytest
import requests
import urllib3
from botocore.httpsession import URLLib3Session
from botocore.session import Session

from sentry_filters import Response, SessionGuard
from sentry_filters.guard import parts_of
from tests.support.backend import LLMBackend
from tests.support.callers import CALLERS
from tests.support.failing import HEADERS, MESSAGES, TOKEN, raised_by

CHAT = "/chat/completions"


def facts_of(guard: SessionGuard, error: object) -> Response:
    (failure,) = parts_of(guard).failures_of(error)
    assert failure.response is not None
    return failure.response


def by_session(guard: SessionGuard, url: str) -> object:
    with guard.instrument(requests.Session()) as session:
        return session.post(url + CHAT, json={}, headers=HEADERS, timeout=5)


def by_manager(guard: SessionGuard, url: str) -> object:
    with guard.instrument(urllib3.PoolManager()) as pool:
        return pool.request("POST", url + CHAT, body=b"{}", headers=HEADERS)


def by_pool(guard: SessionGuard, url: str) -> object:
    host, port = url.split("/")[2].split(":")
    with guard.instrument(urllib3.HTTPConnectionPool(host, int(port))) as pool:
        return pool.request("POST", f"/v1{CHAT}", body=b"{}", headers=HEADERS)


def by_connection(guard: SessionGuard, url: str) -> object:
    connection = guard.instrument(http.client.HTTPConnection(url.split("/")[2]))
    connection.request("POST", f"/v1{CHAT}", b"{}", HEADERS)
    response = connection.getresponse()
    response.read()
    connection.close()
    response.__dict__["url"] = url + CHAT  # as urllib.request gives it one
    return response


def by_aiohttp(guard: SessionGuard, url: str) -> object:
    async def main() -> object:
        async with guard.instrument(aiohttp.ClientSession(headers=HEADERS)) as session:
            async with session.post(url + CHAT, json={}) as response:
                await response.read()
                return response

    return asyncio.run(main())


def by_openai(guard: SessionGuard, url: str) -> object:
    with guard.instrument(openai.OpenAI(base_url=url, api_key=TOKEN, max_retries=0)) as client:
        return raised_by(lambda: client.chat.completions.create(model="m", messages=MESSAGES))


def by_resource(guard: SessionGuard, url: str) -> object:
    """The SDK's client is held by one of its parts, as LangChain's models hold it."""
    with openai.OpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
        held = guard.instrument(SimpleNamespace(client=client.chat.completions, name="model"))
        return raised_by(lambda: held.client.create(model="m", messages=MESSAGES))


def by_openai_async(guard: SessionGuard, url: str) -> object:
    async def main() -> None:
        async with guard.instrument(openai.AsyncOpenAI(base_url=url, api_key=TOKEN, max_retries=0)) as client:
            await client.chat.completions.create(model="m", messages=MESSAGES)

    return raised_by(lambda: asyncio.run(main()))


def by_anthropic(guard: SessionGuard, url: str) -> object:
    base = url.removesuffix("/v1")
    with guard.instrument(anthropic.Anthropic(base_url=base, api_key=TOKEN, max_retries=0)) as client:
        return raised_by(lambda: client.messages.create(model="m", max_tokens=9, messages=MESSAGES))


ONES = {
    "requests": by_session,
    "urllib3": by_manager,
    "urllib3-pool": by_pool,
    "http.client": by_connection,
    "aiohttp": by_aiohttp,
    "openai": by_openai,
    "openai-resource": by_resource,
    "openai-async": by_openai_async,
    "anthropic": by_anthropic,
}


@pytest.mark.parametrize("one", list(ONES))
def test_its_calls_are_recorded_and_nobody_elses(one: str, guard: SessionGuard, backend: LLMBackend) -> None:
    facts = facts_of(guard, ONES[one](guard, backend.url))

    assert facts.recorded
    assert facts.session == guard.fingerprint(TOKEN)
    assert facts.body == backend.state.body
    for other in ("requests", "urllib3", "aiohttp", "httpx"):
        error = raised_by(lambda other=other: CALLERS[other](backend.url))  # type: ignore[misc]
        assert not any(one.response and one.response.recorded for one in parts_of(guard).failures_of(error))


def test_botos_clients_hold_a_pool(guard: SessionGuard) -> None:
    # No call: botocore's own client signs, and needs a service.
    client = Session().create_client(
        "bedrock-runtime", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )

    assert guard.instrument(client) is client
    assert isinstance(client._endpoint.http_session, URLLib3Session)


@pytest.mark.parametrize("make", [requests.Session, urllib3.PoolManager, httpx.Client])
def test_it_is_the_same_object_and_idempotent(
    make: Callable[[], Any], guard: SessionGuard, backend: LLMBackend
) -> None:
    client = make()

    assert guard.instrument(guard.instrument(client)) is client
    guard.uninstrument()
    guard.uninstrument()


def test_uninstrument_takes_the_hooks_out_of_a_client(guard: SessionGuard, backend: LLMBackend) -> None:
    users: list[object] = []
    with httpx.Client(event_hooks={"request": [users.append]}) as client:
        guard.instrument(client)
        guard.uninstrument()
        assert client.event_hooks == {"request": [users.append], "response": []}
        guard.instrument(client)
        assert parts_of(guard).calls.recorded(client.post(backend.url + CHAT, json={}))


def test_one_client_and_everybody_record_a_call_once(guard: SessionGuard, backend: LLMBackend) -> None:
    with guard.instrument(httpx.Client()) as client:
        guard.instrument()
        with client.stream("POST", backend.url + CHAT, json={}, headers=HEADERS) as response:
            assert facts_of(guard, response).recorded
            stream: Any = response.stream
            assert type(stream._original).__name__ == "BoundSyncStream"


@pytest.mark.parametrize("wrong", [object(), "client", SimpleNamespace(client=object()), None])
def test_what_holds_no_client_raises_an_error_that_says_what_to_write(
    wrong: Any, guard: SessionGuard
) -> None:
    with pytest.raises(TypeError, match="invalid client") as error:
        guard.instrument(wrong)

    for told in ("Session of requests", "ClientSession", "PoolManager", "http_client=", "guard.instrument()"):
        assert told in str(error.value)


def test_holders_in_a_circle_end(guard: SessionGuard) -> None:
    one, two = SimpleNamespace(), SimpleNamespace()
    one.client, two._client = two, one

    with pytest.raises(TypeError, match="invalid client"):
        guard.instrument(one)
