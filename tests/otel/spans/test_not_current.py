"""Spans that are never the current ones, as LangChain's: their call is found by the trace, or by the task."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import openai
import pytest
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from sentry_filters import SessionExpired, SessionGuard
from tests.otel.conftest import Traces
from tests.support.backend import LLMBackend
from tests.support.callers import CALLERS
from tests.support.clients import OPENAI_HTTP
from tests.support.failing import MESSAGES, TOKEN

WHERE = pytest.mark.parametrize("in_a_trace", [True, False], ids=["below a span", "below none"])
CLIENTS = pytest.mark.parametrize("client", ["openai", "openai-stream", "anthropic", "httpx", "requests"])


@pytest.fixture(autouse=True)
def everybody(guard: SessionGuard) -> None:
    guard.instrument()  # the guard is closed after the test


class Model:
    """Does as a callback handler does: its spans have parents, and are never current."""

    def __init__(self, traces: Traces) -> None:
        self.tracer = traces.tracer

    def begin(self) -> Any:
        chain = self.tracer.start_span("chain")
        chat = self.tracer.start_span(
            "chat m",
            set_span_in_context(chain),
            kind=SpanKind.CLIENT,
            attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"},
        )
        return chain, chat

    def fail(self, spans: Any, error: BaseException) -> None:
        for span in reversed(spans):
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, str(error)))
            span.end()

    def call(self, client: str, url: str) -> None:
        spans = self.begin()
        try:
            CALLERS[client](url)
        except Exception as error:
            self.fail(spans, error)

    async def call_async(self, url: str, before: Any = None) -> None:
        async with openai.AsyncOpenAI(
            base_url=url, api_key=TOKEN, http_client=OPENAI_HTTP.AsyncClient(), max_retries=0
        ) as client:
            spans = self.begin()
            try:
                await client.chat.completions.create(model="m", messages=MESSAGES)
            except openai.APIStatusError as error:
                if before is not None:
                    await before
                self.fail(spans, error)


def around(traces: Traces, in_a_trace: bool) -> AbstractContextManager[Any]:
    return traces.tracer.start_as_current_span("request") if in_a_trace else nullcontext()


def failed(traces: Traces) -> list[str]:
    return sorted(span.name for span in traces.exported if span.status.status_code is StatusCode.ERROR)


@WHERE
@CLIENTS
def test_ours_is_recognised(
    client: str,
    in_a_trace: bool,
    guard: SessionGuard,
    traces: Traces,
    backend: LLMBackend,
    expired: list[SessionExpired],
) -> None:
    with around(traces, in_a_trace):
        Model(traces).call(client, backend.url)
    guard.bus.flush()

    assert failed(traces) == []
    assert [event.confirmed for event in expired] == [True]


@WHERE
@CLIENTS
def test_a_third_partys_is_kept_before_and_after_ours(
    client: str, in_a_trace: bool, traces: Traces, backend: LLMBackend
) -> None:
    """It answers as our own backend does."""
    with LLMBackend() as third:
        for url in (third.url, backend.url, third.url):
            with around(traces, in_a_trace):
                Model(traces).call(client, url)

    assert failed(traces) == ["chain", "chain", "chat m", "chat m"]


@WHERE
@pytest.mark.parametrize("ours_ends_first", [True, False])
def test_a_third_partys_beside_ours_is_kept(
    ours_ends_first: bool, in_a_trace: bool, traces: Traces, backend: LLMBackend
) -> None:
    async def main(third: str) -> None:
        urls = (backend.url, third) if ours_ends_first else (third, backend.url)
        model, first_ended = Model(traces), asyncio.Event()

        async def first() -> None:
            await model.call_async(urls[0])
            first_ended.set()

        with around(traces, in_a_trace):
            await asyncio.gather(first(), model.call_async(urls[1], first_ended.wait()))

    with LLMBackend() as third:
        asyncio.run(main(third.url))

    assert {"chain", "chat m"} <= set(failed(traces))


def test_a_call_that_nobody_saw_is_kept(guard: SessionGuard, traces: Traces, backend: LLMBackend) -> None:
    """It failed in the task of ours, and its text says nothing of it."""
    model = Model(traces)
    spans = model.begin()
    with pytest.raises(openai.AuthenticationError):
        CALLERS["openai"](backend.url)
    model.fail(spans, RuntimeError("Other API error (403 Forbidden): no"))

    assert failed(traces) == ["chain", "chat m"]
