"""Whatever a record says: where the Collector's conditions drop it, the Python filter does, too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from opentelemetry.trace import SpanKind

from sentry_filters import Policy
from tests.targets.cases import BODY, HOST, NO_CODES, OURS, POLICY, TAGS, LogCase, SpanCase
from tests.targets.collector.test_conditions import (
    drops_log,
    drops_span,
    guarding,
    python_drops_log,
    python_drops_span,
)

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
        [
            "/v1/chat/completions",
            "/responses/",
            "/messages?x=1",
            "/v1/embeddings",
            "",
            "/x#/messages",
            "/survey/responses",
            "/models/x?/messages",
            "/m:generateContent",
            ":generateContent",
        ]
    ),
) | st.sampled_from(["", "/v1/responses", "not a url", f"//{HOST}/responses", f"mailto:{HOST}"])
STATUSES = st.sampled_from(
    [401, 403, 500, 200, "401", "403 Forbidden", "4010", 401.0, 401.5, "401\xb2", "error", True, " 401"]
)
PIECES = st.lists(
    st.sampled_from(
        [
            "E: ",
            "x ",
            "'",
            "\n",
            OURS,
            " API error (401)",
            ": ",
            BODY,
            "{",
            "[]",
            "<a>",
            '{"a":{"b":1}}',
            "api_key",
        ]
    ),
    max_size=5,
).map("".join)
TEXTS = PIECES | st.sampled_from(
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
TAG_VALUES = {
    "provider": st.sampled_from(["OpenHuman", "openhuman", "OpenRouter", "", 1]),
    "domain": st.sampled_from(["llm_provider", "agent", ""]),
    "operation": st.sampled_from(["chat", "chat_completions", "warmup", "file_upload", "run", ""]),
    "status": STATUSES,
    "failure": st.sampled_from(["non_2xx", "timeout", "retries_exhausted"]),
}
WIRE = {
    "http.response.status_code": STATUSES,
    "http.status_code": STATUSES,
    "http.request.method": st.sampled_from(["POST", "GET", "post"]),
    "url.full": URLS,
    "http.url": URLS,
    "url": URLS,
    "url.path": st.sampled_from(["/v1/responses", "/x/responses", "/messages/?a", "/messages#a"]),
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
        {"gen_ai.request.model": "m", "server.address": HOST, **TAGS},
        {"domain": "llm_provider"},
    ]
)
POLICIES = st.sampled_from(
    [
        POLICY,
        NO_CODES,
        replace(NO_CODES, publish_on="confirmed"),
        replace(POLICY, scope="session"),
        Policy(provider="OpenHuman", paths={"/messages": None}),
    ]
)
SETTINGS = settings(max_examples=400, deadline=None)


@pytest.mark.promise("export-collector")
@SETTINGS
@given(
    beginning=BEGINNINGS,
    more=st.fixed_dictionaries({}, optional={**TAG_VALUES, **WIRE}),
    message=TEXTS,
    kind=st.sampled_from([SpanKind.CLIENT, SpanKind.INTERNAL, SpanKind.SERVER]),
    policy=POLICIES,
)
def test_a_dropped_span_is_dropped_by_the_python_filter(
    beginning: dict[str, Any], more: dict[str, Any], message: str, kind: SpanKind, policy: Policy
) -> None:
    case = SpanCase("generated", "statement", {**more, **beginning}, message, kind)
    dropped = drops_span(policy, case)
    event(f"dropped: {dropped}")

    if dropped:
        with guarding(policy) as guard:
            assert python_drops_span(guard, case)


@pytest.mark.promise("export-collector")
@SETTINGS
@given(
    beginning=st.sampled_from([{}, TAGS, {"domain": "llm_provider"}, {"domain": "agent"}]),
    tags=st.fixed_dictionaries({}, optional=TAG_VALUES),
    body=TEXTS | st.builds(lambda text: {"message": text}, TEXTS) | st.just(401),
    exception=st.fixed_dictionaries(
        {}, optional={"exception.type": st.just("E"), "exception.message": TEXTS | st.sampled_from([0, 401])}
    ),
    policy=POLICIES,
)
def test_a_dropped_log_record_is_dropped_by_the_python_filter(
    beginning: dict[str, Any], tags: dict[str, Any], body: Any, exception: dict[str, Any], policy: Policy
) -> None:
    case = LogCase("generated", "statement", body, {**tags, **beginning, **exception})
    dropped = drops_log(policy, case)
    event(f"dropped: {dropped}")

    if dropped:
        with guarding(policy) as guard:
            assert python_drops_log(guard, case)
