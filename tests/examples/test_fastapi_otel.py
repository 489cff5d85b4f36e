"""docs/examples/fastapi-otel: what a browser, Sentry and a collector see when the session ends."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.examples.conftest import Example, World
from tests.support.services import free_port

pytestmark = pytest.mark.integration


def test_the_session_ends_and_comes_back(example: Callable[..., Example], world: World) -> None:
    chat = example("fastapi-otel")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = chat.start("uvicorn", "chat:app", "--port", str(port), ready="Uvicorn running on")

    # uvicorn hangs up after an error that no handler answered
    with httpx.Client(
        base_url=url,
        params={"question": "hello"},
        headers={"connection": "close"},
        trust_env=False,
    ) as browser:
        first = browser.get("/chat")
        world.end_session()
        refused = [browser.get("/chat") for _ in range(3)]
        own = browser.get("/chat", headers={"own-key": world.own_key})
        renewed = browser.post("/sign-in", headers={"token": world.second})
        healthy = browser.get("/chat")
    chat.stop()

    assert [(answer.status_code, answer.headers.get("retry-after")) for answer in refused] == [
        (500, None),
        (503, "60"),
        (503, "60"),
    ]
    assert (own.status_code, renewed.status_code) == (500, 200)
    assert first.json() == healthy.json() == "hello"
    assert server.printed("please sign in again") == 1
    [event] = world.sentry.events
    assert event["exception"]["values"][-1]["type"] == "AuthenticationError"
    assert "Incorrect API key provided" in event["exception"]["values"][-1]["value"]
    _check_spans(world)
    assert world.leaked() == []
    audit = [str(chat.python.with_name("sentry-filters")), "audit", "ledger.db"]
    assert subprocess.run(audit, cwd=chat.folder, capture_output=True, check=False).returncode == 0


def _check_spans(world: World) -> None:
    """A request's own span says what its client got, 500 or 503; the work below it does not fail."""
    spans = world.otlp.spans
    failed = [
        span
        for span in spans
        if span.status.code == Status.StatusCode.STATUS_CODE_ERROR
        and span.kind != Span.SpanKind.SPAN_KIND_SERVER
    ]
    expired = {span.trace_id for span in spans for event in span.events if event.name == "session.expired"}
    assert [span.status.message for span in failed if span.status.message] == [
        "Error code: 401 - Incorrect API key provided"
    ]
    assert len({span.trace_id for span in failed}) == 1, "the vendor's failure, nothing else"
    assert len(expired) == 3, "the request that found out, and the two that were refused"
