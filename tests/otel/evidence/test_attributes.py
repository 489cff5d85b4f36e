"""Attributes of every instrumentation in use, read as what they say about a call."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.trace import SpanKind

from otel.evidence.attributes import facts_of, may_state_a_failure
from sentry_filters import Endpoint

CLIENT = SpanKind.CLIENT
URL = "https://api.example.ai/v1/chat/completions?session=x"


@pytest.mark.parametrize(
    ("attributes", "status", "endpoint", "path"),
    [
        pytest.param(
            {"http.request.method": "POST", "http.response.status_code": 401, "url.full": URL},
            *(401, Endpoint("api.example.ai", 443), "/v1/chat/completions"),
            id="stable",
        ),
        pytest.param(
            {"http.method": "POST", "http.status_code": "401", "http.url": URL},
            *(401, Endpoint("api.example.ai", 443), "/v1/chat/completions"),
            id="legacy, status as text",
        ),
        pytest.param(
            {
                "http.status_code": 403,
                "net.peer.name": "API.example.ai.",
                "net.peer.port": 8443,
                "http.target": "/a?b",
            },
            *(403, Endpoint("api.example.ai", 8443), "/a"),
            id="legacy, without url",
        ),
        pytest.param(
            {
                "http.response.status_code": 401,
                "server.address": "api.example.ai",
                "url.path": "/v1/responses",
            },
            *(401, Endpoint("api.example.ai"), "/v1/responses"),
            id="stable, default port left out",
        ),
        pytest.param(
            {
                "sentry.op": "http.client",
                "http.response.status_code": 401,
                "server.address": "my-laptop",
                "url": URL,
            },
            *(401, Endpoint("api.example.ai", 443), "/v1/chat/completions"),
            id="Sentry",
        ),
        pytest.param(
            {"sentry.op": "http.client", "http.response.status_code": 401, "server.address": "my-laptop"},
            *(401, None, None),
            id="Sentry, the machine's name contradicts nothing",
        ),
    ],
)
def test_http_spans(attributes: dict[str, Any], status: int, endpoint: Any, path: str | None) -> None:
    facts = facts_of(attributes, CLIENT, frozenset({"llm_provider"}))
    assert facts.is_call
    assert (facts.status, facts.endpoint, facts.path) == (status, endpoint, path)


@pytest.mark.parametrize(
    ("attributes", "is_call"),
    [
        pytest.param({"gen_ai.operation.name": "chat"}, True, id="genai"),
        pytest.param(
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m"}, False, id="genai-agent"
        ),
        pytest.param({"openinference.span.kind": "LLM"}, True, id="openinference"),
        pytest.param({"openinference.span.kind": "AGENT"}, False, id="openinference-agent"),
        pytest.param({"llm.request.type": "chat", "gen_ai.system": "OpenAI"}, True, id="openllmetry"),
        pytest.param(
            {"traceloop.span.kind": "workflow", "gen_ai.request.model": "m"}, False, id="openllmetry-workflow"
        ),
        pytest.param(
            {"gen_ai.request.model": "m", "logfire.span_type": "span", "request_data": "{}"},
            True,
            id="logfire",
        ),
        pytest.param({"sentry.op": "gen_ai.chat", "gen_ai.operation.name": "chat"}, True, id="sentry"),
        pytest.param({"domain": "llm_provider", "status": 401}, True, id="tags"),
        pytest.param({"domain": "agent"}, False, id="tags of an outer layer"),
        pytest.param({"db.system": "sqlite"}, False, id="anything else"),
    ],
)
def test_which_spans_are_calls(attributes: dict[str, Any], is_call: bool) -> None:
    assert facts_of(attributes, CLIENT, frozenset({"llm_provider"})).is_call is is_call


def test_a_server_span_says_nothing_about_our_calls() -> None:
    attributes = {"http.response.status_code": 401, "url.full": URL, "http.request.method": "POST"}
    facts = facts_of(attributes, SpanKind.SERVER, frozenset({"llm_provider"}))
    assert (facts.is_call, facts.status, facts.endpoint) == (False, None, None)


@pytest.mark.parametrize(
    ("attributes", "may"),
    [
        ({}, False),
        ({"http.status_code": 200}, False),
        ({"http.response.status_code": "401"}, True),
        ({"failure": "non_2xx"}, True),
    ],
)
def test_which_healthy_spans_are_looked_at(attributes: dict[str, Any], may: bool) -> None:
    assert may_state_a_failure(attributes) is may
