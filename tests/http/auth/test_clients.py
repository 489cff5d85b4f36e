"""Every client that is given the auth: renewed once, refused once, left alone where nobody could be asked."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest
import sentry_sdk

from sentry_filters import Policy, SessionExpiredError, SessionGuard
from tests.conftest import InitSentry
from tests.http.auth.conftest import Call, with_httpx, with_requests
from tests.support.backend import LLMBackend
from tests.support.clients import ANTHROPIC_HTTP, OPENAI_HTTP
from tests.support.receiver import SentryReceiver
from tests.support.servers import LocalServer, QuietHandler
from tests.support.tokens import TokenEndpoint, jwt

VETO = '{"error":{"code":"invalid_api_key"}}'


def test_an_ended_session_is_renewed_inside_the_call(
    guard: SessionGuard, tokens: TokenEndpoint, call: Call, chat: str, published: Callable[[], int]
) -> None:
    auth = guard.auth(tokens.refresh, tokens.load)

    assert [call(auth, chat)[0] for _ in range(3)] == [200] * 3

    assert tokens.state.calls == 1
    assert published() == 0
    assert guard.gate.is_open
    assert guard.counters.get("refreshes", "renewed") == 1
    assert guard.counters.get("renewals") == 1


def test_without_load_the_first_credential_comes_from_refresh(
    guard: SessionGuard, tokens: TokenEndpoint, backend: LLMBackend, call: Call, chat: str
) -> None:
    auth = guard.auth(tokens.refresh_async)

    assert call(auth, chat)[0] == 200
    assert (tokens.state.calls, backend.state.calls) == (1, 1)


def test_a_refused_renewal_is_the_one_expiry(
    guard: SessionGuard, tokens: TokenEndpoint, call: Call, chat: str, published: Callable[[], int]
) -> None:
    tokens.state.status = 400
    auth = guard.auth(tokens.refresh, tokens.load)

    answers = [call(auth, chat) for _ in range(3)]

    assert answers == [(401, '{"success":false,"error":"Invalid token"}')] * 3, "as the backend gave it"
    assert (tokens.state.calls, published()) == (1, 1)
    with pytest.raises(SessionExpiredError) as refused:
        guard.gate.check()
    assert refused.value.event.confirmed
    assert refused.value.event.session == guard.fingerprint(tokens.state.current)

    tokens.state.status = 200
    tokens.refresh()  # the user signs in
    guard.session_renewed(tokens.state.current)
    assert call(auth, chat)[0] == 200
    assert guard.gate.is_open
    assert tokens.state.calls == 2


def test_none_is_a_refusal_too(
    guard: SessionGuard, tokens: TokenEndpoint, chat: str, published: Callable[[], int]
) -> None:
    assert with_httpx(guard.auth(lambda: None, tokens.load), chat)[0] == 401
    assert published() == 1


def test_an_endpoint_in_trouble_is_neither(
    guard: SessionGuard, tokens: TokenEndpoint, call: Call, chat: str, published: Callable[[], int]
) -> None:
    tokens.state.status = 503
    auth = guard.auth(tokens.refresh, tokens.load)

    answers = [call(auth, chat) for _ in range(10)]

    assert answers == [(401, '{"success":false,"error":"Invalid token"}')] * 10
    assert tokens.state.calls <= 2
    verdict = guard.report(RuntimeError(), operation="native_chat", provider="OpenHuman", status=401)
    assert (verdict.drop, verdict.reason) == (False, "renewal_pending")
    assert published() == 0
    assert guard.gate.is_open
    assert guard.counters.get("refreshes", "unavailable") == tokens.state.calls


def test_a_slow_endpoint_keeps_no_call_for_longer_than_asked(
    guard: SessionGuard, tokens: TokenEndpoint, call: Call, chat: str, published: Callable[[], int]
) -> None:
    goes_on = threading.Event()
    tokens.state.delay = lambda: goes_on.wait(15.0)
    auth = guard.auth(tokens.refresh, tokens.load, timeout=0.1)

    assert [call(auth, chat)[0] for _ in range(3)] == [401] * 3
    assert (tokens.state.calls, published()) == (1, 0)

    goes_on.set()
    while call(auth, chat)[0] != 200:  # what came late is used all the same
        pass
    assert tokens.state.calls == 1


def test_a_backend_that_refuses_whatever_it_gets_is_not_answered_with_a_storm(
    guard: SessionGuard, tokens: TokenEndpoint, backend: LLMBackend, call: Call, chat: str
) -> None:
    def refresh() -> str:
        tokens.refresh()
        tokens.state.current += "x"
        return tokens.state.current

    auth = guard.auth(refresh, tokens.load)

    assert [call(auth, chat)[0] for _ in range(10)] == [401] * 10
    assert tokens.state.calls <= 2


@pytest.mark.parametrize(
    ("status", "body"), [(401, VETO), (403, VETO), (403, "no entry"), (401, "<html>"), (500, "{}")]
)
def test_what_is_not_the_end_of_the_session_renews_nothing(
    guard: SessionGuard,
    tokens: TokenEndpoint,
    backend: LLMBackend,
    call: Call,
    chat: str,
    status: int,
    body: str,
) -> None:
    backend.state.status, backend.state.body = status, body
    auth = guard.auth(tokens.refresh, tokens.load)

    assert call(auth, chat) == (status, body)
    assert tokens.state.calls == 0


def test_a_401_counts_whatever_the_credential_was_used_for(
    guard: SessionGuard, tokens: TokenEndpoint, backend: LLMBackend, call: Call
) -> None:
    assert call(guard.auth(tokens.refresh, tokens.load), f"{backend.url}/models", method="GET")[0] == 200


@pytest.fixture
def elsewhere() -> Iterator[tuple[LocalServer, list[str | None]]]:
    """Another host, which answers 401, and what it was sent as a credential."""
    seen: list[str | None] = []

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            self.read_body()
            seen.append(self.headers.get("authorization"))
            self.answer(401)

        do_GET = do_POST

    with LocalServer(Handler) as server:
        yield server, seen


def test_no_other_host_gets_the_credential(
    guard: SessionGuard, tokens: TokenEndpoint, call: Call, elsewhere: tuple[LocalServer, list[str | None]]
) -> None:
    server, seen = elsewhere

    assert call(guard.auth(tokens.refresh, tokens.load), f"http://{server.address}/v1/messages")[0] == 401
    assert (seen, tokens.state.calls) == ([None], 0)


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_takes_the_credential_nowhere(
    tokens: TokenEndpoint, call: Call, elsewhere: tuple[LocalServer, list[str | None]], status: int
) -> None:
    server, seen = elsewhere

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            self.read_body()
            self.answer(status, location=f"http://{server.address}/v1/messages")

    with LocalServer(Handler) as redirecting:
        guard = SessionGuard(Policy(provider="OpenHuman", hosts={redirecting.address}))
        url = f"http://{redirecting.address}/v1/messages"
        assert call(guard.auth(tokens.refresh, tokens.load), url)[0] == 401
        guard.close()
    assert (seen, tokens.state.calls) == ([None], 0)


def test_without_hosts_there_is_no_auth() -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"))
    with pytest.raises(ValueError, match="auth: invalid hosts"):
        guard.auth(lambda: "x")
    guard.close()


def test_a_header_that_is_no_credential_is_not_sent() -> None:
    guard = SessionGuard(
        Policy(provider="OpenHuman", hosts={"api.example.ai"}, credential_headers=("x-key",))
    )
    with pytest.raises(ValueError, match=r"auth: invalid credential_headers \('x-key',\)"):
        guard.auth(lambda: "x")
    guard.close()


@pytest.mark.parametrize("status", [200, 400])
def test_sentry_gets_nothing_of_it(
    guard: SessionGuard,
    tokens: TokenEndpoint,
    backend: LLMBackend,
    receiver: SentryReceiver,
    sentry: InitSentry,
    chat: str,
    published: Callable[[], int],
    status: int,
) -> None:
    sentry(**guard.sentry_options(dsn=receiver.dsn, default_integrations=False))
    tokens.state.status = status
    auth = guard.auth(tokens.refresh, tokens.load)
    with guard.instrument(httpx.Client(auth=auth, trust_env=False)) as client:
        for _ in range(3):
            response = client.post(chat, json={})
            try:
                response.raise_for_status()
            except httpx.HTTPStatusError as error:
                sentry_sdk.capture_exception(error)

    sentry_sdk.flush()
    assert receiver.events == []
    assert published() == (0 if status == 200 else 1)
    assert guard.counters.get("violations") == 0


@pytest.mark.parametrize("options", [{"timeout": -1}, {"renew_before": float("nan")}])
def test_impossible_seconds_are_named(guard: SessionGuard, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"auth: invalid {next(iter(options))}"):
        guard.auth(lambda: "x", **options)


def test_a_body_that_was_streamed_is_not_sent_twice(
    guard: SessionGuard, tokens: TokenEndpoint, chat: str
) -> None:
    auth = guard.auth(tokens.refresh, tokens.load)

    assert with_httpx(auth, chat, json=None, content=iter([b"{}"]), headers={"content-length": "2"})[0] == 401
    assert with_httpx(auth, chat)[0] == 200
    assert tokens.state.calls == 1


def test_the_sdks_take_a_client_with_it(
    guard: SessionGuard, tokens: TokenEndpoint, backend: LLMBackend
) -> None:
    auth = guard.auth(tokens.refresh, tokens.load)

    with openai.OpenAI(
        api_key="-", base_url=backend.url, http_client=OPENAI_HTTP.Client(auth=auth, trust_env=False)
    ) as client:
        chats = client.chat.completions
        assert chats.create(model="m", messages=[]).id == "chatcmpl-1"
        parts = chats.create(model="m", messages=[], stream=True)
        assert "".join(part.choices[0].delta.content or "" for part in parts) == "hello"
    with anthropic.Anthropic(
        auth_token="-",
        base_url=f"http://{backend.address}",
        http_client=ANTHROPIC_HTTP.Client(auth=auth, trust_env=False),
    ) as other:
        assert other.messages.create(model="m", max_tokens=1, messages=[]).id == "msg_1"
    assert tokens.state.calls == 1


def test_openai_takes_the_callable(guard: SessionGuard, tokens: TokenEndpoint, backend: LLMBackend) -> None:
    tokens.state.current = jwt(-60.0, seed="old")
    auth = guard.auth(tokens.refresh, tokens.load)

    with openai.OpenAI(api_key=auth.token, base_url=backend.url, max_retries=0) as client:
        assert client.chat.completions.create(model="m", messages=[]).id == "chatcmpl-1"

    async def call() -> str:
        async with openai.AsyncOpenAI(api_key=auth.token_async, base_url=backend.url) as client:
            return (await client.chat.completions.create(model="m", messages=[])).id

    assert asyncio.run(call()) == "chatcmpl-1"
    assert (tokens.state.calls, backend.state.calls) == (1, 2), "renewed by its own `exp`: no call was lost"


def test_many_threads_and_tasks_share_one_renewal(
    guard: SessionGuard, tokens: TokenEndpoint, backend: LLMBackend, chat: str, published: Callable[[], int]
) -> None:
    together = threading.Barrier(12)
    ended = tokens.state.current
    backend.state.delay = lambda token: token == ended and together.wait(15.0)
    auth = guard.auth(tokens.refresh, tokens.load)

    async def tasks() -> list[int]:
        async with httpx2.AsyncClient(auth=auth, trust_env=False) as client:
            answers = await asyncio.gather(*(client.post(chat, json={}) for _ in range(6)))
            return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(7) as pool:
        loop = pool.submit(lambda: asyncio.run(tasks()))
        threads = [pool.submit(one, auth, chat) for one in (with_httpx, with_requests) * 3]
        assert [one.result()[0] for one in threads] + loop.result() == [200] * 12

    assert (tokens.state.calls, published()) == (1, 0)


def test_a_late_answer_to_the_old_credential_is_retried_without_a_second_renewal(
    guard: SessionGuard, tokens: TokenEndpoint, backend: LLMBackend, chat: str, published: Callable[[], int]
) -> None:
    answered, ended = threading.Event(), tokens.state.current
    waiting = threading.Semaphore(1)

    def delay(token: str) -> None:
        if token == ended and waiting.acquire(blocking=False):
            answered.wait(15.0)

    backend.state.delay = delay
    auth = guard.auth(tokens.refresh, tokens.load)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(with_httpx, auth, chat)
        while backend.state.calls == 0:
            pass
        assert with_httpx(auth, chat)[0] == 200
        answered.set()
        assert late.result()[0] == 200
    assert (tokens.state.calls, published()) == (1, 0)


def test_an_async_refresh_runs_in_the_callers_loop(
    guard: SessionGuard, tokens: TokenEndpoint, chat: str
) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def refresh() -> str:
        loops.append(asyncio.get_running_loop())
        return tokens.refresh()

    async def call() -> bool:
        async with httpx.AsyncClient(auth=guard.auth(refresh, tokens.load), trust_env=False) as client:
            return (await client.post(chat, json={})).status_code == 200 and loops == [
                asyncio.get_running_loop()
            ]

    assert asyncio.run(call())


def test_a_cancelled_caller_ends_nobody_elses_renewal(
    guard: SessionGuard, tokens: TokenEndpoint, chat: str
) -> None:
    goes_on = threading.Event()
    tokens.state.delay = lambda: goes_on.wait(15.0)

    async def call() -> int:
        async with httpx.AsyncClient(auth=guard.auth(tokens.refresh, tokens.load), trust_env=False) as client:
            first = asyncio.create_task(client.post(chat, json={}))
            while tokens.state.calls == 0:
                await asyncio.sleep(0)
            second = asyncio.create_task(client.post(chat, json={}))
            await asyncio.sleep(0)
            first.cancel()
            goes_on.set()
            return (await second).status_code

    assert asyncio.run(call()) == 200
    assert tokens.state.calls == 1


def test_what_refresh_itself_calls_with_the_auth_waits_for_nothing(
    guard: SessionGuard, tokens: TokenEndpoint, chat: str
) -> None:
    inner: list[int] = []

    def refresh() -> str:
        inner.append(with_httpx(auth, chat)[0])
        return tokens.refresh()

    auth = guard.auth(refresh, tokens.load)

    assert (with_httpx(auth, chat)[0], inner) == (200, [401])


def test_nothing_shows_the_credential(
    guard: SessionGuard, tokens: TokenEndpoint, chat: str, caplog: pytest.LogCaptureFixture
) -> None:
    def refresh() -> Any:
        return tokens.state.current  # the same again: nobody could be asked

    auth = guard.auth(refresh, tokens.load)

    assert with_httpx(auth, chat)[0] == 401
    assert "could not be renewed: ValueError" in caplog.text
    assert tokens.state.current not in repr((auth, vars(auth), caplog.text))
    assert guard.redactor.redact(tokens.state.current) == "[REDACTED]"
    del auth
    gc.collect()


def test_without_a_credential_the_callers_see_what_refresh_raised(
    guard: SessionGuard, chat: str, published: Callable[[], int]
) -> None:
    def refresh() -> str:
        raise LookupError("the store is away")

    auth = guard.auth(refresh)
    for _ in range(3):
        with pytest.raises(LookupError, match="the store is away"):
            with_httpx(auth, chat)
    assert published() == 0


def test_without_a_credential_a_refusal_refuses_the_call(
    guard: SessionGuard, backend: LLMBackend, chat: str, published: Callable[[], int]
) -> None:
    auth = guard.auth(lambda: None)
    for _ in range(3):
        with pytest.raises(SessionExpiredError):
            with_httpx(auth, chat)
    assert (backend.state.calls, published(), guard.gate.is_open) == (0, 1, False)
