"""Whatever a record says: where the Collector's conditions drop it, the Python filter does, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from opentelemetry.trace import SpanKind

from sentry_filters import SessionGuard
from tests.targets.cases import HOST, OURS, POLICY, LogCase, SpanCase
from tests.targets.collector.test_conditions import drops_log, drops_span, python_drops_log, python_drops_span

HOSTS = (
    HOST,
    "API.example.ai.",
    "api.openai.com",
    f"{HOST}.evil.example",
    "plain.example.ai",
    "edge.example.ai",
)
URLS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["https", "http", "HTTPS"]),
    st.sampled_from(["", "bob@", f"{HOST}@", "a:b@"]),
    st.sampled_from(HOSTS),
    st.sampled_from(["", ":443", ":8443", ":80", ":"]),
    st.sampled_from(
        ["/v1/chat/completions", "/responses/", "/messages?x=1", "/v1/embeddings", "", "/x#/messages"]
    ),
) | st.sampled_from(["", "/v1/responses", "not a url", f"//{HOST}/responses", f"mailto:{HOST}"])
STATUSES = st.sampled_from([401, 403, 500, 200, "401", "403 Forbidden", "4010", 401.0, "error", True, " 401"])
TEXTS = st.sampled_from(
    [
        "",
        OURS,
        f"Error: {OURS}",
        f'{OURS}: {{"code":"invalid_api_key"}}',
        f"{OURS}; OpenRouter API error (401)",
        "OpenRouter API error (401 Unauthorized)",
        "my-OpenHuman returned HTTP 401",
        "OpenHuman returned HTTP 401",
        "OpenHuman API error (500)",
        "Error code: 401",
    ]
)
TAGS = {
    "provider": st.sampled_from(["OpenHuman", "openhuman", "OpenRouter", "", 1]),
    "domain": st.sampled_from(["llm_provider", "agent", ""]),
    "operation": st.sampled_from(["chat", "chat_completions", "warmup", "embeddings", "run"]),
    "status": STATUSES,
    "failure": st.sampled_from(["non_2xx", "timeout", "retries_exhausted"]),
}
WIRE = {
    "http.response.status_code": STATUSES,
    "http.status_code": STATUSES,
    "http.request.method": st.just("POST"),
    "url.full": URLS,
    "http.url": URLS,
    "url": URLS,
    "url.path": st.sampled_from(["/v1/responses", "/v1/embeddings", "/messages/?a"]),
    "server.address": st.sampled_from(HOSTS),
    "server.port": st.sampled_from([443, 8443, 80, "443", "x"]),
    "net.peer.name": st.sampled_from(HOSTS),
    "sentry.op": st.just("http.client"),
    "gen_ai.operation.name": st.sampled_from(["chat", "invoke_agent"]),
    "gen_ai.request.model": st.just("m"),
    "openinference.span.kind": st.sampled_from(["LLM", "CHAIN"]),
}
# Half of the spans begin as ours, so that many get as far as the last condition.
BEGINNINGS = st.sampled_from(
    [
        {},
        {"http.response.status_code": 401, "url.full": f"https://{HOST}/v1/chat/completions"},
        {"http.status_code": 401, "http.url": f"https://{HOST}/messages"},
        {"gen_ai.request.model": "m", "provider": "OpenHuman", "operation": "chat", "status": "401"},
    ]
)
SETTINGS = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def guard() -> Iterator[SessionGuard]:
    """One for all: what it has dropped before changes no verdict."""
    guard = SessionGuard(POLICY, lambda _: None)
    yield guard
    guard.close()


@SETTINGS
@given(
    beginning=BEGINNINGS,
    more=st.fixed_dictionaries({}, optional={**TAGS, **WIRE}),
    message=TEXTS,
    kind=st.sampled_from([SpanKind.CLIENT, SpanKind.INTERNAL, SpanKind.SERVER]),
)
def test_a_dropped_span_is_dropped_by_the_python_filter(
    beginning: dict[str, Any], more: dict[str, Any], message: str, kind: SpanKind, guard: SessionGuard
) -> None:
    case = SpanCase("generated", True, {**more, **beginning}, message, kind)
    dropped = drops_span(POLICY, case)
    event(f"dropped: {dropped}")

    if dropped:
        assert python_drops_span(guard, case)


@SETTINGS
@given(
    tags=st.fixed_dictionaries({}, optional=TAGS),
    body=TEXTS | st.builds(lambda text: {"message": text}, TEXTS) | st.just(401),
    exception=st.none() | TEXTS,
)
def test_a_dropped_log_record_is_dropped_by_the_python_filter(
    tags: dict[str, Any], body: Any, exception: str | None, guard: SessionGuard
) -> None:
    attributes = (
        tags if exception is None else {**tags, "exception.type": "E", "exception.message": exception}
    )
    case = LogCase("generated", True, body, attributes)
    dropped = drops_log(POLICY, case)
    event(f"dropped: {dropped}")

    if dropped:
        assert python_drops_log(guard, case)
