"""Spans and log records to decide: what they are, and whether they are our expired session's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.trace import SpanKind

from sentry_filters import Policy

HOST = "api.example.ai"
POLICY = Policy(provider="OpenHuman", hosts={HOST, "edge.example.ai:8443", "plain.example.ai:443"})
OURS = "OpenHuman API error (401 Unauthorized)"
TAGS = {
    "domain": "llm_provider",
    "operation": "chat_completions",
    "provider": "OpenHuman",
    "status": "401",
    "failure": "non_2xx",
}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


@dataclass(frozen=True, slots=True)
class SpanCase:
    """A span that ended with an error.

    Args:
        name: What it is.
        drops: Whether it is our expired session's, by the Python filter's judgement.
        attributes: Its attributes.
        message: Its status text.
        kind: Its kind.
    """

    name: str
    drops: bool
    attributes: Mapping[str, Any]
    message: str = ""
    kind: SpanKind = SpanKind.CLIENT


@dataclass(frozen=True, slots=True)
class LogCase:
    """A log record.

    Args:
        name: What it is.
        drops: Whether it reports our expired session, by the Python filter's judgement.
        body: Its body.
        attributes: Its attributes.
    """

    name: str
    drops: bool
    body: Any
    attributes: Mapping[str, Any] = field(default_factory=dict)


def http(url: str = f"https://{HOST}/v1/chat/completions", code: object = 401, **more: Any) -> dict[str, Any]:
    """Return a stable HTTP span's attributes; in `more`, `__` stands for a dot."""
    return {
        "http.request.method": "POST",
        "http.response.status_code": code,
        "url.full": url,
        **{name.replace("__", "."): value for name, value in more.items()},
    }


def without(tags: Mapping[str, Any], *names: str, **changed: Any) -> dict[str, Any]:
    """Return `tags` without some, and with others changed."""
    return {**{name: value for name, value in tags.items() if name not in names}, **changed}


ADDRESS = {
    "http.request.method": "POST",
    "http.response.status_code": 401,
    "url.path": "/v1/chat/completions",
}

SPANS = (
    SpanCase("stable conventions", True, http()),
    SpanCase("403", True, http(code=403)),
    SpanCase("status as text", True, http(code="401")),
    SpanCase("status as a number with a point", True, http(code=401.0)),
    SpanCase(
        "legacy conventions",
        True,
        {"http.method": "POST", "http.status_code": 401, "http.url": f"https://{HOST}/v1/responses"},
    ),
    SpanCase(
        "Sentry's url",
        True,
        {"http.method": "POST", "http.status_code": 401, "url": f"https://{HOST}/messages"},
    ),
    SpanCase("query and slash behind the path", True, http(f"https://{HOST}/v1/responses/?a=/embeddings")),
    SpanCase("host in capitals, with a dot", True, http("https://API.Example.AI./v1/chat/completions")),
    SpanCase("user before the host", True, http(f"https://bob:x@{HOST}/v1/chat/completions")),
    SpanCase("any port of a host without one", True, http(f"http://{HOST}:8080/v1/chat/completions")),
    SpanCase(
        "the port that the policy names", True, http("https://edge.example.ai:8443/v1/chat/completions")
    ),
    SpanCase("the default port, unsaid", True, http("https://plain.example.ai/v1/chat/completions")),
    SpanCase("address and path", True, {**ADDRESS, "server.address": HOST, "server.port": 443}),
    SpanCase(
        "address with its port", True, {**ADDRESS, "server.address": "edge.example.ai", "server.port": 8443}
    ),
    SpanCase("default port of the address", True, {**ADDRESS, "server.address": "plain.example.ai"}),
    SpanCase(
        "legacy address and target",
        True,
        {
            "http.method": "POST",
            "http.status_code": 401,
            "net.peer.name": HOST,
            "http.target": "/v1/responses?x=1",
        },
    ),
    SpanCase("backend's tag, no host", True, {**ADDRESS, "provider": "OpenHuman"}),
    SpanCase("tags agree with the wire", True, http(**TAGS)),
    SpanCase("warm-up owns no path", True, http(f"https://{HOST}/v1/models", operation="warmup")),
    SpanCase("a status tag that is no status", True, http(status="error")),
    SpanCase("words of others, but our own host", True, http(), "OpenRouter API error (500)"),
    SpanCase("other host", False, http("https://api.openai.com/v1/chat/completions")),
    SpanCase("other port", False, http("https://edge.example.ai/v1/chat/completions")),
    SpanCase("http is not https", False, http("http://plain.example.ai/v1/chat/completions")),
    SpanCase(
        "our host as another's beginning", False, http(f"https://{HOST}.evil.example/v1/chat/completions")
    ),
    SpanCase("our host as another's end", False, http(f"https://not-{HOST}/v1/chat/completions")),
    SpanCase("our host in a path", False, http(f"https://proxy.example/{HOST}/v1/chat/completions")),
    SpanCase("our host as a user", False, http(f"https://{HOST}@proxy.example/v1/chat/completions")),
    SpanCase(
        "our host in a query", False, http(f"https://proxy.example/v1/responses?u=https://{HOST}/responses")
    ),
    SpanCase("address of others", False, {**ADDRESS, "server.address": "api.openai.com"}),
    SpanCase(
        "other port of the address",
        False,
        {**ADDRESS, "server.address": "edge.example.ai", "server.port": 443},
    ),
    SpanCase(
        "Sentry's address is its machine",
        False,
        {**ADDRESS, "server.address": HOST, "sentry.op": "http.client"},
    ),
    SpanCase("status 500", False, http(code=500)),
    SpanCase("status 429", False, http(code=429)),
    SpanCase("status 4010", False, http(code="4010")),
    SpanCase("embeddings", False, http(f"https://{HOST}/v1/embeddings")),
    SpanCase("no path that is known", False, http(f"https://{HOST}/v1/models")),
    SpanCase("a path in the query", False, http(f"https://{HOST}/v1/models?next=/chat/completions")),
    SpanCase(
        "an LLM call's tag on another path", False, http(f"https://{HOST}/embeddings", operation="chat")
    ),
    SpanCase("what the server answered", False, http(), kind=SpanKind.SERVER),
    SpanCase("third party's tag", False, http(provider="OpenRouter")),
    SpanCase("our tag, their host", False, http("https://api.openai.com/v1/chat/completions", **TAGS)),
    SpanCase("a status tag that contradicts", False, http(**without(TAGS, status="500"))),
    SpanCase("another operation", False, http(**without(TAGS, operation="embeddings"))),
    SpanCase("another failure", False, http(**without(TAGS, failure="timeout"))),
    SpanCase("a body's code", False, http(), f'{OURS}: {{"errorCode":"invalid_api_key"}}'),
    SpanCase("a body's code, deeper", False, http(), f'{OURS}: {{"error":{{"code":"INSUFFICIENT_QUOTA"}}}}'),
    SpanCase("chat, by its tags", True, {**CHAT, **TAGS}),
    SpanCase("chat, by its text", True, CHAT, f"BackendError: {OURS}"),
    SpanCase("chat, by a streaming text", True, CHAT, "OpenHuman streaming API error (403 Forbidden): x"),
    SpanCase("chat, by the third form", True, CHAT, "OpenHuman returned HTTP 401"),
    SpanCase("OpenInference", True, {"openinference.span.kind": "LLM"}, OURS, SpanKind.INTERNAL),
    SpanCase("OpenLLMetry", True, {"llm.request.type": "chat"}, OURS),
    SpanCase("the domain's own span", True, TAGS, kind=SpanKind.INTERNAL),
    SpanCase("chat without its status", False, CHAT, "Error code: 401 - Unauthorized"),
    SpanCase("chat of a third party", False, CHAT, "OpenRouter API error (401 Unauthorized)"),
    SpanCase("chat of another label", False, CHAT, "my-OpenHuman API error (401 Unauthorized)"),
    SpanCase("chat of a longer word", False, CHAT, "XOpenHuman API error (401 Unauthorized)"),
    SpanCase("chat, other status", False, CHAT, "OpenHuman API error (500 Internal Server Error)"),
    SpanCase("chat, a longer number", False, CHAT, "OpenHuman returned HTTP 4011"),
    SpanCase("chat, ours and theirs", False, CHAT, f"{OURS}; then OpenRouter API error (401)"),
    SpanCase("chat, a code", False, CHAT, f'{OURS}: {{"code":"permission_denied"}}'),
    SpanCase("chat, third party's tag", False, {**CHAT, **without(TAGS, provider="OpenRouter")}),
    SpanCase("chat, no provider", False, {**CHAT, **without(TAGS, "provider")}),
    SpanCase(
        "a tool, by our text", False, {"gen_ai.operation.name": "execute_tool"}, OURS, SpanKind.INTERNAL
    ),
    SpanCase("the application's own work", False, {"a": "b"}, "turn failed", SpanKind.INTERNAL),
)

LOGS = (
    LogCase("tags", True, "chat failed", TAGS),
    LogCase("tags, status as a number", True, "chat failed", without(TAGS, status=401)),
    LogCase("tags without domain", True, "chat failed", without(TAGS, "domain", "failure")),
    LogCase("text", True, f"chat failed: {OURS}"),
    LogCase("text in a map", True, {"message": f"chat failed: {OURS}"}),
    LogCase("text of an exception", True, "chat failed", {"exception.type": "E", "exception.message": OURS}),
    LogCase("an outer layer", True, f"retries exhausted: {OURS}", {"domain": "agent", "operation": "run"}),
    LogCase("a line break before it", True, f"chat failed\n{OURS}"),
    LogCase("the number alone", False, "401 Unauthorized"),
    LogCase("third party's text", False, "OpenRouter API error (401 Unauthorized)"),
    LogCase("third party's tag", False, "chat failed", without(TAGS, provider="OpenRouter")),
    LogCase("our text, third party's tag", False, OURS, {"provider": "OpenRouter"}),
    LogCase("our tags, third party's text", False, "OpenRouter API error (401)", TAGS),
    LogCase("no operation", False, "chat failed", without(TAGS, "operation")),
    LogCase("another operation", False, "chat failed", without(TAGS, operation="embeddings")),
    LogCase("an outer operation, no text", False, "x", without(TAGS, domain="agent", operation="run")),
    LogCase("another status", False, "chat failed", without(TAGS, status="500")),
    LogCase("text, other status", False, "OpenHuman API error (502 Bad Gateway)"),
    LogCase("status in tag and text disagree", False, OURS, {"status": "500"}),
    LogCase("a code", False, f'{OURS}: {{"code": "invalid_api_key"}}'),
    LogCase(
        "a code, beside an empty message",
        False,
        f'{OURS}: {{"code": "invalid_api_key"}}',
        {"exception.message": ""},
    ),
    LogCase(
        "an empty domain hides no other operation",
        False,
        OURS,
        without(TAGS, domain="", operation="embeddings"),
    ),
    LogCase("another failure", False, "chat failed", without(TAGS, failure="timeout")),
    LogCase("a hyphen before the label", False, "not-OpenHuman API error (401)"),
    LogCase("a combining mark before the label", False, "e\u0301OpenHuman API error (401)"),
    LogCase("nothing", False, "user signed in", {"status": "ok"}),
    LogCase("a number as body", False, 401),
)
