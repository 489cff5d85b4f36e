"""`guard.instrument()` and spans: with any client ours leaves no failed span, and a third party's does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from sentry_filters import SessionExpired, SessionGuard
from tests.otel.conftest import Traces
from tests.otel.instrumented import instrumented
from tests.support.backend import LLMBackend
from tests.support.callers import CALLERS
from tests.support.failing import TOKEN

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
EVERY = pytest.mark.parametrize("client", list(CALLERS))
INSTRUMENTATIONS = pytest.mark.parametrize(
    "names", [(), ("httpx",), ("openai",), ("httpx", "openai")], ids=lambda names: "+".join(names) or "none"
)


@pytest.fixture(autouse=True)
def everybody(guard: SessionGuard) -> Iterator[None]:
    guard.instrument()
    yield
    guard.uninstrument()


def turn(traces: Traces, client: str, url: str) -> None:
    with contextlib.suppress(Exception), traces.tracer.start_as_current_span("request"):
        with traces.tracer.start_as_current_span("agent.turn"):
            CALLERS[client](url)


def failed(traces: Traces) -> list[ReadableSpan]:
    return [span for span in traces.exported if span.status.status_code is StatusCode.ERROR]


@pytest.mark.promise("silence", "instrument")
@EVERY
@INSTRUMENTATIONS
def test_no_span_of_ours_fails_and_a_third_partys_do(
    client: str,
    names: tuple[str, ...],
    guard: SessionGuard,
    traces: Traces,
    backend: LLMBackend,
    other_backend: LLMBackend,
    expired: list[SessionExpired],
) -> None:
    with instrumented(traces.provider, *names):
        turn(traces, client, backend.url)
        ours = failed(traces)
        turn(traces, client, other_backend.url)
    guard.bus.flush()

    assert ours == []
    assert {"request", "agent.turn"} <= {span.name for span in failed(traces)}
    [event] = expired
    assert (event.confirmed, event.session) == (True, guard.fingerprint(TOKEN))
