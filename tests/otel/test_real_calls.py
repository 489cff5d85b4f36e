"""Real openai, httpx and httpx2 calls, under real instrumentations, of a session that has ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2
import openai
import pytest
import sentry_sdk
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import StatusCode

from otel import GuardedSpanProcessor
from sentry_filters import Policy, SessionExpired, SessionGuard
from tests.conftest import InitSentry
from tests.otel.conftest import Traces
from tests.otel.instrumented import instrumented
from tests.support.backend import LLMBackend
from tests.support.clients import OPENAI_HTTP
from tests.support.receiver import SentryReceiver

pytestmark = pytest.mark.integration

Call = Callable[[SessionGuard, str], None]
MESSAGES: Any = [{"role": "user", "content": "hello"}]


def sync_chat(guard: SessionGuard, url: str, **options: Any) -> None:
    with guard.instrument(OPENAI_HTTP.Client()) as client:
        sdk = openai.OpenAI(base_url=url, api_key="session-a", http_client=client, max_retries=0)
        sdk.chat.completions.create(model="m", messages=MESSAGES, **options)


def stream_start(guard: SessionGuard, url: str) -> None:
    sync_chat(guard, url, stream=True)


def responses(guard: SessionGuard, url: str) -> None:
    with guard.instrument(OPENAI_HTTP.Client()) as client:
        sdk = openai.OpenAI(base_url=url, api_key="session-a", http_client=client, max_retries=0)
        sdk.responses.create(model="m", input="hello")


def async_chat(guard: SessionGuard, url: str, **options: Any) -> None:
    async def call() -> None:
        async with guard.instrument(OPENAI_HTTP.AsyncClient()) as client:
            sdk = openai.AsyncOpenAI(base_url=url, api_key="session-a", http_client=client, max_retries=0)
            await sdk.chat.completions.create(model="m", messages=MESSAGES, **options)

    asyncio.run(call())


def async_stream_start(guard: SessionGuard, url: str) -> None:
    async_chat(guard, url, stream=True)


def plain(library: Any, *, guarded: bool = True) -> Call:
    def call(guard: SessionGuard, url: str) -> None:
        with library.Client() as client:
            if guarded:
                guard.instrument(client)
            headers = {"authorization": "Bearer session-a"}
            client.post(f"{url}/chat/completions", json={}, headers=headers).raise_for_status()

    return call


CALLS = [
    pytest.param(sync_chat, id="openai"),
    pytest.param(async_chat, id="openai-async"),
    pytest.param(stream_start, id="openai-stream"),
    pytest.param(async_stream_start, id="openai-stream-async"),
    pytest.param(responses, id="openai-responses"),
    pytest.param(plain(httpx), id="httpx"),
    pytest.param(plain(httpx2), id="httpx2"),
]
INSTRUMENTATIONS = [
    pytest.param(("httpx",), id="http"),
    pytest.param(("httpx", "openai"), id="http+genai"),
    pytest.param(("httpx", "openinference"), id="http+openinference"),
]


@contextlib.contextmanager
def turn(traces: Traces) -> Iterator[None]:
    """The application's own spans around a call whose error it catches at the very top."""
    with contextlib.suppress(Exception), traces.tracer.start_as_current_span("request"):
        with traces.tracer.start_as_current_span("agent.turn"):
            yield


def assert_demoted(span: ReadableSpan) -> None:
    assert span.status.status_code is StatusCode.UNSET
    assert span.status.description is None
    assert [event.name for event in span.events] == ["session.expired"]


@pytest.mark.parametrize("instrumentations", INSTRUMENTATIONS)
@pytest.mark.parametrize("call", CALLS)
def test_only_the_applications_own_spans_are_exported_and_they_do_not_fail(
    call: Call,
    instrumentations: tuple[str, ...],
    traces: Traces,
    guard: SessionGuard,
    backend: LLMBackend,
    expired: list[SessionExpired],
) -> None:
    with instrumented(traces.provider, *instrumentations), turn(traces):
        call(guard, backend.url)
    assert [span.name for span in traces.exported] == ["agent.turn", "request"]
    for span in traces.exported:
        assert_demoted(span)
    guard.bus.flush()
    assert len(expired) == 1
    assert not guard.gate.is_open
    seen, dropped = guard.counters.get("seen", "span"), guard.counters.get("dropped", "span")
    assert seen == dropped + guard.counters.get("demoted", "span")


@pytest.mark.parametrize("codes", [(), ("invalid_api_key",)])
@pytest.mark.parametrize("instrumentations", INSTRUMENTATIONS)
def test_a_status_alone_is_enough_where_a_body_has_nothing_to_say(
    codes: tuple[str, ...], instrumentations: tuple[str, ...], traces: Traces, backend: LLMBackend
) -> None:
    expired: list[SessionExpired] = []
    policy = Policy(provider="OpenHuman", hosts={backend.address}, not_session_codes=codes)
    guard = SessionGuard(policy, expired.append)
    provider = TracerProvider()
    provider.add_span_processor(GuardedSpanProcessor(guard, SimpleSpanProcessor(traces.exporter)))
    with instrumented(provider, *instrumentations), turn(Traces(provider, traces.exporter)):
        plain(httpx, guarded=False)(guard, backend.url)
    guard.bus.flush()
    if codes:
        assert [span.name for span in traces.exported] == ["POST", "agent.turn", "request"]
        assert all(span.status.status_code is StatusCode.ERROR for span in traces.exported)
        assert guard.counters.get("decisions", "span", "keep", "uncorroborated") == 1
        assert (expired, guard.gate.is_open) == ([], True)
    else:
        assert [span.name for span in traces.exported] == ["agent.turn", "request"]
        assert_demoted(traces.one("request"))
        assert (len(expired), guard.gate.is_open) == (1, False)
    provider.shutdown()
    guard.close()


@pytest.mark.parametrize("call", [CALLS[0], CALLS[1], CALLS[2]])
def test_a_chat_span_without_an_http_span_is_known_by_what_instrument_recorded(
    call: Call, traces: Traces, guard: SessionGuard, backend: LLMBackend
) -> None:
    with instrumented(traces.provider, "openai"), turn(traces):
        call(guard, backend.url)
    assert [span.name for span in traces.exported] == ["agent.turn", "request"]
    for span in traces.exported:
        assert_demoted(span)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_an_own_span_without_any_other_is_known_by_what_instrument_recorded(
    library: Any, traces: Traces, guard: SessionGuard, backend: LLMBackend
) -> None:
    with turn(traces):
        plain(library)(guard, backend.url)
    assert_demoted(traces.one("agent.turn"))
    assert_demoted(traces.one("request"))


@pytest.mark.parametrize("instrumentations", INSTRUMENTATIONS)
@pytest.mark.parametrize("call", CALLS)
def test_a_third_partys_rejected_key_is_exported_unchanged(
    call: Call,
    instrumentations: tuple[str, ...],
    traces: Traces,
    guard: SessionGuard,
    other_backend: LLMBackend,
    expired: list[SessionExpired],
) -> None:
    with instrumented(traces.provider, *instrumentations), turn(traces):
        call(guard, other_backend.url)
    assert len(traces.exported) >= 3
    for span in traces.exported:
        assert span.status.status_code is StatusCode.ERROR
        assert all(event.name == "exception" for event in span.events)
    guard.bus.flush()
    assert expired == []
    assert guard.gate.is_open
    assert guard.counters.get("seen", "span") == guard.counters.get("exported", "span")


@pytest.mark.parametrize("status", [429, 500])
def test_another_failure_of_the_backend_is_exported_unchanged(
    status: int, traces: Traces, guard: SessionGuard, backend: LLMBackend
) -> None:
    backend.state.status = status
    with instrumented(traces.provider, "httpx", "openai"), turn(traces):
        sync_chat(guard, backend.url)
    assert len(traces.exported) == 4
    assert all(span.status.status_code is StatusCode.ERROR for span in traces.exported)


def test_sentry_and_opentelemetry_agree_on_one_expiry(
    traces: Traces,
    guard: SessionGuard,
    backend: LLMBackend,
    receiver: SentryReceiver,
    sentry: InitSentry,
    expired: list[SessionExpired],
) -> None:
    sentry(**guard.sentry_options(dsn=receiver.dsn, traces_sample_rate=1.0))
    with instrumented(traces.provider, "httpx", "openai"):
        for _ in range(3):
            try:
                with traces.tracer.start_as_current_span("agent.turn"):
                    sync_chat(guard, backend.url)
            except openai.AuthenticationError as error:
                sentry_sdk.capture_exception(error)
    sentry_sdk.flush()
    guard.bus.flush()
    (event,) = expired
    assert event.session == guard.fingerprint("session-a")
    assert event.confirmed
    assert receiver.events == []
    assert [span.name for span in traces.exported] == ["agent.turn"] * 3


def test_a_late_span_of_an_older_session_closes_no_fresh_gate(
    traces: Traces, guard: SessionGuard, backend: LLMBackend, expired: list[SessionExpired]
) -> None:
    with instrumented(traces.provider, "httpx", "openai"):
        with turn(traces):
            sync_chat(guard, backend.url)
        guard.session_renewed("session-b")
        with turn(traces):
            sync_chat(guard, backend.url)
    guard.bus.flush()
    assert len(expired) == 1
    assert guard.gate.is_open
    assert {span.name for span in traces.exported} == {"agent.turn", "request"}


def test_with_a_veto_a_code_of_the_body_keeps_spans_as_it_keeps_events(
    backend: LLMBackend, traces: Traces, expired: list[SessionExpired], guard: SessionGuard
) -> None:
    backend.state.body = '{"error":{"message":"no such key","code":"invalid_api_key"}}'
    with instrumented(traces.provider, "httpx", "openai"), turn(traces):
        sync_chat(guard, backend.url)
    guard.bus.flush()
    assert expired == []
    assert len(traces.exported) == 4
    assert all(span.status.status_code is StatusCode.ERROR for span in traces.exported)


def test_demoting_keeps_the_providers_spans(backend: LLMBackend, traces: Traces) -> None:
    policy = Policy(provider="OpenHuman", hosts={backend.address}, span_action="demote")
    guard = SessionGuard(policy, lambda event: None)
    provider = TracerProvider()
    provider.add_span_processor(GuardedSpanProcessor(guard, SimpleSpanProcessor(traces.exporter)))
    with instrumented(provider, "httpx", "openai"), turn(Traces(provider, traces.exporter)):
        sync_chat(guard, backend.url)
    assert [span.name for span in traces.exported] == ["POST", "chat m", "agent.turn", "request"]
    for span in traces.exported:
        assert_demoted(span)
    provider.shutdown()
    guard.close()
