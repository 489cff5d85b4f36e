"""A client that heals itself inside the call signs nobody out, and its spans leave as they are."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import Any

import httpx
import httpx2
import logfire
import openai
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer

from otel import GuardedSpanProcessor
from sentry_filters import Policy, SessionExpired, SessionGuard
from tests.otel.conftest import Traces
from tests.otel.instrumented import instrumented, require_group
from tests.support.backend import LLMBackend
from tests.support.clients import OPENAI_HTTP

pytestmark = pytest.mark.integration

MESSAGES: Any = [{"role": "user", "content": "hello"}]
Exported = Callable[[], list[ReadableSpan]]


def refreshing(library: Any, renewed: str) -> Any:
    """An auth flow that sends an old session, and a new one when that is rejected."""

    class Refreshing(library.Auth):  # type: ignore[misc]
        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            request.headers["authorization"] = "Bearer session-a"
            response = yield request
            if response.status_code == 401:
                request.headers["authorization"] = f"Bearer {renewed}"
                yield request

    return Refreshing()


def sync_call(guard: SessionGuard, url: str, *, guarded: bool, renewed: str = "session-b") -> None:
    with OPENAI_HTTP.Client(auth=refreshing(OPENAI_HTTP, renewed)) as client:
        if guarded:
            guard.instrument(client)
        sdk = openai.OpenAI(base_url=url, api_key="unused", http_client=client, max_retries=0)
        sdk.chat.completions.create(model="m", messages=MESSAGES)


def async_call(guard: SessionGuard, url: str, *, guarded: bool, renewed: str = "session-b") -> None:
    async def call() -> None:
        async with OPENAI_HTTP.AsyncClient(auth=refreshing(OPENAI_HTTP, renewed)) as client:
            if guarded:
                guard.instrument(client)
            sdk = openai.AsyncOpenAI(base_url=url, api_key="unused", http_client=client, max_retries=0)
            await sdk.chat.completions.create(model="m", messages=MESSAGES)

    asyncio.run(call())


@contextlib.contextmanager
def of_instrumentors(*names: str, guard: SessionGuard) -> Iterator[tuple[Tracer, Exported]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with instrumented(provider, *names):
        yield provider.get_tracer("app"), lambda: list(exporter.get_finished_spans())
    provider.shutdown()


@contextlib.contextmanager
def of_logfire(guard: SessionGuard) -> Iterator[tuple[Tracer, Exported]]:
    require_group()
    exporter = InMemorySpanExporter()
    configured = logfire.configure(
        local=True,
        send_to_logfire=False,
        console=False,
        additional_span_processors=[GuardedSpanProcessor(guard, SimpleSpanProcessor(exporter))],
    )
    provider = configured.config.get_tracer_provider()
    openais = configured.instrument_openai(suppress_other_instrumentation=False)
    with openais, instrumented(provider, "httpx"):  # type: ignore[arg-type]
        yield provider.get_tracer("app"), lambda: list(exporter.get_finished_spans())
    configured.shutdown()


SETUPS = [
    pytest.param(lambda guard: of_instrumentors("httpx", guard=guard), id="http"),
    pytest.param(lambda guard: of_instrumentors(guard=guard), id="none"),
    pytest.param(lambda guard: of_instrumentors("httpx", "openai", guard=guard), id="http+genai"),
    pytest.param(
        lambda guard: of_instrumentors("httpx", "openinference", guard=guard), id="http+openinference"
    ),
    pytest.param(of_logfire, id="http+logfire"),
]


@pytest.mark.parametrize("codes", [(), ("invalid_api_key",)], ids=["status-only", "with-a-veto"])
@pytest.mark.parametrize("guarded", [True, False], ids=["instrumented", "other"])
@pytest.mark.parametrize("call", [sync_call, async_call])
@pytest.mark.parametrize("setup", SETUPS)
def test_a_call_that_succeeds_after_all_signs_nobody_out(
    setup: Callable[[SessionGuard], Any],
    call: Any,
    guarded: bool,
    codes: tuple[str, ...],
    backend: LLMBackend,
) -> None:
    backend.state.valid.add("session-b")
    expired: list[SessionExpired] = []
    policy = Policy(provider="OpenHuman", hosts={backend.address}, not_session_codes=codes)
    guard = SessionGuard(policy, expired.append)
    with setup(guard) as (tracer, exported):
        with tracer.start_as_current_span("turn"):
            call(guard, backend.url, guarded=guarded)
        failed = [span for span in exported() if (span.attributes or {}).get("error.type") == "401"]
        https = [span for span in exported() if span.name == "POST"]
        assert exported()[-1].name == "turn"
    guard.bus.flush()
    assert (expired, guard.gate.is_open) == ([], True)
    assert all(span.status.status_code is StatusCode.ERROR for span in failed)
    assert len(https) in (0, 2)
    assert guard.counters.get("decisions", "span", "keep", "healed") == len(https) // 2
    assert guard.counters.get("seen", "span") == guard.counters.get("exported", "span")
    guard.close()


@pytest.mark.parametrize("guarded", [True, False], ids=["instrumented", "other"])
@pytest.mark.parametrize("call", [sync_call, async_call])
@pytest.mark.parametrize("setup", [SETUPS[0], SETUPS[2], SETUPS[3], SETUPS[4]])
def test_a_call_whose_renewal_fails_too_is_an_expiry(
    setup: Callable[[SessionGuard], Any], call: Any, guarded: bool, backend: LLMBackend
) -> None:
    # Behind an auth flow the SDK's error does not quote the body: only `instrument` knows it.
    codes = ("invalid_api_key",) if guarded else ()
    expired: list[SessionExpired] = []
    policy = Policy(provider="OpenHuman", hosts={backend.address}, not_session_codes=codes)
    guard = SessionGuard(policy, expired.append)
    with setup(guard) as (tracer, exported):
        with contextlib.suppress(openai.AuthenticationError), tracer.start_as_current_span("turn"):
            call(guard, backend.url, guarded=guarded, renewed="session-c")
        assert [(span.name, span.status.status_code) for span in exported()] == [("turn", StatusCode.UNSET)]
    guard.bus.flush()
    assert expired
    assert all(one.confirmed for one in expired)
    assert not guard.gate.is_open
    guard.close()


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_next_attempt_heals_without_a_span_of_the_call(
    library: Any, traces: Traces, guard: SessionGuard, backend: LLMBackend, expired: list[SessionExpired]
) -> None:
    backend.state.valid.add("session-b")
    with instrumented(traces.provider, "httpx"), traces.tracer.start_as_current_span("turn"):
        with library.Client(auth=refreshing(library, "session-b")) as client:
            client.post(f"{backend.url}/chat/completions", json={}).raise_for_status()
    guard.bus.flush()
    assert (expired, guard.gate.is_open) == ([], True)
    assert [span.name for span in traces.exported] == ["POST", "POST", "turn"]


def test_a_success_elsewhere_heals_nothing(
    traces: Traces, backend: LLMBackend, other_backend: LLMBackend
) -> None:
    other_backend.state.valid.add("session-b")
    expired: list[SessionExpired] = []
    policy = Policy(provider="OpenHuman", hosts={backend.address}, not_session_codes=())
    guard = SessionGuard(policy, expired.append)
    with of_instrumentors("httpx", guard=guard) as (tracer, exported), httpx.Client() as client:
        with tracer.start_as_current_span("turn"):
            session = {"authorization": "Bearer session-b"}
            client.post(f"{backend.url}/chat/completions", json={}, headers=session)
            client.post(f"{other_backend.url}/chat/completions", json={}, headers=session)
        assert [span.name for span in exported()] == ["POST", "turn"]
    guard.bus.flush()
    assert (len(expired), guard.gate.is_open) == (1, False)
    guard.close()
