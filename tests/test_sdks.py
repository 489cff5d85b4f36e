"""The SDKs that people use, on an instrumented client: every path gives one SessionExpired and no report."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx2
import openai
import pytest
import sentry_sdk

from sentry_filters import SessionExpired, SessionGuard
from tests.conftest import InitSentry
from tests.support.backend import LLMBackend
from tests.support.clients import ANTHROPIC_HTTP, OPENAI_HTTP
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

TOKEN = fake("eyJ", 40)
HEADERS = {"authorization": f"Bearer {TOKEN}"}
MESSAGES: Any = [{"role": "user", "content": "hi"}]


def chat(client: openai.OpenAI) -> object:
    return client.chat.completions.create(model="m", messages=MESSAGES)


def chat_stream(client: openai.OpenAI) -> object:
    return list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))


def responses(client: openai.OpenAI) -> object:
    return client.responses.create(model="m", input="hi")


async def chat_async(client: openai.AsyncOpenAI) -> object:
    return await client.chat.completions.create(model="m", messages=MESSAGES)


async def chat_stream_async(client: openai.AsyncOpenAI) -> object:
    return [
        chunk
        async for chunk in await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    ]


async def responses_async(client: openai.AsyncOpenAI) -> object:
    return await client.responses.create(model="m", input="hi")


def run_openai(guard: SessionGuard, backend: LLMBackend, act: Callable[[openai.OpenAI], object]) -> None:
    with guard.instrument(OPENAI_HTTP.Client()) as http_client:
        act(openai.OpenAI(base_url=backend.url, api_key=TOKEN, http_client=http_client, max_retries=0))


def run_openai_async(
    guard: SessionGuard, backend: LLMBackend, act: Callable[[openai.AsyncOpenAI], Awaitable[object]]
) -> None:
    async def main() -> None:
        async with guard.instrument(OPENAI_HTTP.AsyncClient()) as http_client:
            await act(
                openai.AsyncOpenAI(
                    base_url=backend.url, api_key=TOKEN, http_client=http_client, max_retries=0
                )
            )

    asyncio.run(main())


def run_anthropic(guard: SessionGuard, backend: LLMBackend) -> None:
    with guard.instrument(ANTHROPIC_HTTP.Client()) as http_client:
        client = anthropic.Anthropic(
            base_url=backend.url.removesuffix("/v1"), api_key=TOKEN, http_client=http_client, max_retries=0
        )
        client.messages.create(model="m", max_tokens=9, messages=MESSAGES)


@pytest.mark.parametrize(
    ("run", "operation"),
    [
        pytest.param(lambda guard, backend: run_openai(guard, backend, chat), "chat_completions", id="chat"),
        pytest.param(
            lambda guard, backend: run_openai(guard, backend, chat_stream), "chat_completions", id="stream"
        ),
        pytest.param(
            lambda guard, backend: run_openai(guard, backend, responses), "responses_api", id="responses"
        ),
        pytest.param(
            lambda guard, backend: run_openai_async(guard, backend, chat_async),
            "chat_completions",
            id="async",
        ),
        pytest.param(
            lambda guard, backend: run_openai_async(guard, backend, chat_stream_async),
            "chat_completions",
            id="async stream",
        ),
        pytest.param(
            lambda guard, backend: run_openai_async(guard, backend, responses_async),
            "responses_api",
            id="async responses",
        ),
        pytest.param(run_anthropic, "chat", id="anthropic"),
    ],
)
@pytest.mark.parametrize("status", [401, 403])
def test_expired_session_is_published_once_and_not_reported(
    run: Callable[[SessionGuard, LLMBackend], None],
    operation: str,
    status: int,
    guard: SessionGuard,
    backend: LLMBackend,
    sentry: InitSentry,
    expired: list[SessionExpired],
) -> None:
    backend.state.status = status
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", transport=transport))

    for _ in range(3):
        try:
            run(guard, backend)
        except (openai.APIStatusError, anthropic.APIStatusError) as error:
            sentry_sdk.capture_exception(error)
        else:
            pytest.fail("the call did not fail")
    guard.bus.flush()

    assert transport.events == []
    [event] = expired
    assert (event.operation, event.status, event.confirmed) == (operation, status, True)
    assert event.session == guard.fingerprint(TOKEN)


@pytest.mark.parametrize("name", ["warmup", "api_error", "native_chat", "streaming_chat"])
def test_named_operation_is_recognised_on_any_path(
    name: str, guard: SessionGuard, backend: LLMBackend, sentry: InitSentry, expired: list[SessionExpired]
) -> None:
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", transport=transport))

    with guard.instrument(httpx2.Client(headers=HEADERS)) as client, guard.operation(name):
        try:
            client.post(f"{backend.url}/turn", json={}).raise_for_status()
        except httpx2.HTTPStatusError as error:
            sentry_sdk.capture_exception(error)
    guard.bus.flush()

    assert transport.events == []
    assert [event.operation for event in expired] == [name]


def test_other_path_of_the_backend_is_kept(
    guard: SessionGuard, backend: LLMBackend, sentry: InitSentry, expired: list[SessionExpired]
) -> None:
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", transport=transport))

    with guard.instrument(httpx2.Client(headers=HEADERS)) as client:
        try:
            client.post(f"{backend.url}/audio/speech", json={}).raise_for_status()
        except httpx2.HTTPStatusError as error:
            sentry_sdk.capture_exception(error)

    assert len(transport.events) == 1
    assert guard.counters.get("decisions", "event", "keep", "other_operation") == 1
    assert expired == []


def test_late_failure_of_the_old_credential_signs_nobody_out(
    guard: SessionGuard, backend: LLMBackend, sentry: InitSentry, expired: list[SessionExpired]
) -> None:
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", transport=transport))
    with pytest.raises(openai.AuthenticationError) as late:
        run_openai(guard, backend, chat)
    assert not guard.gate.is_open

    guard.session_renewed(fake("eyJ", 40, seed="new"))
    assert guard.gate.is_open
    sentry_sdk.capture_exception(late.value)
    with pytest.raises(openai.AuthenticationError):
        run_openai(guard, backend, chat)
    guard.bus.flush()

    assert guard.gate.is_open
    assert len(expired) == 1
    [shown] = transport.events
    assert shown["tags"]["session_expired"] == "old_credential", "of the call begun after the renewal"
