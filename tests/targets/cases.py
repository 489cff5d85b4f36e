"""Spans and log records to decide: what they are, and what they are worth by the Python rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from opentelemetry.trace import SpanKind

from sentry_filters import Policy

HOST = "api.example.ai"
POLICY = Policy(provider="OpenHuman", hosts={HOST, "edge.example.ai:8443", "plain.example.ai:443"})
NO_CODES = replace(POLICY, not_session_codes=())
OURS = "OpenHuman API error (401 Unauthorized)"
BODY = '{"success":false,"error":"Invalid token"}'
TAGS = {
    "domain": "llm_provider",
    "operation": "chat_completions",
    "provider": "OpenHuman",
    "status": "401",
    "failure": "non_2xx",
}
LAYER = {"domain": "llm_provider"}
AGENT = {"domain": "agent", "operation": "run", "failure": "retries_exhausted"}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}

Due = Literal["fact", "statement", "words", "keep"]
"""What is due to a record, and why.

`statement`: both filters drop it. `fact`: both drop it where there are no codes (`NO_CODES`), else it is
words. `words`: the Python filter drops it where it knows that the session is dead; a Collector never does,
since it cannot know. `keep`: both keep it, whatever they know.
"""


@dataclass(frozen=True, slots=True)
class SpanCase:
    """A span that ended with an error.

    Args:
        name: What it is.
        due: What becomes of it.
        attributes: Its attributes.
        message: Its status text.
        kind: Its kind.
    """

    name: str
    due: Due
    attributes: Mapping[str, Any]
    message: str = ""
    kind: SpanKind = SpanKind.CLIENT


@dataclass(frozen=True, slots=True)
class LogCase:
    """A log record.

    Args:
        name: What it is.
        due: What becomes of it.
        body: Its body.
        attributes: Its attributes.
    """

    name: str
    due: Due
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
    SpanCase("stable conventions", "fact", http()),
    SpanCase("403, which needs a body", "words", http(code=403)),
    SpanCase("status as text", "fact", http(code="401")),
    SpanCase("status as a number with a point", "fact", http(code=401.0)),
    SpanCase(
        "legacy conventions",
        "fact",
        {"http.method": "POST", "http.status_code": 401, "http.url": f"https://{HOST}/v1/responses"},
    ),
    SpanCase(
        "Sentry's url",
        "fact",
        {"http.method": "POST", "http.status_code": 401, "url": f"https://{HOST}/messages"},
    ),
    SpanCase("query and slash behind the path", "fact", http(f"https://{HOST}/v1/responses/?a=/embeddings")),
    SpanCase("host in capitals, with a dot", "fact", http("https://API.Example.AI./v1/chat/completions")),
    SpanCase("user before the host", "fact", http(f"https://bob:x@{HOST}/v1/chat/completions")),
    SpanCase("any port of a host without one", "fact", http(f"http://{HOST}:8080/v1/chat/completions")),
    SpanCase(
        "the port that the policy names", "fact", http("https://edge.example.ai:8443/v1/chat/completions")
    ),
    SpanCase("the default port, unsaid", "fact", http("https://plain.example.ai/v1/chat/completions")),
    SpanCase("address and path", "fact", {**ADDRESS, "server.address": HOST, "server.port": 443}),
    SpanCase(
        "address with its port", "fact", {**ADDRESS, "server.address": "edge.example.ai", "server.port": 8443}
    ),
    SpanCase("default port of the address", "fact", {**ADDRESS, "server.address": "plain.example.ai"}),
    SpanCase(
        "legacy address and target",
        "fact",
        {
            "http.method": "POST",
            "http.status_code": 401,
            "net.peer.name": HOST,
            "http.target": "/v1/responses?x=1",
        },
    ),
    SpanCase("backend's tag, no host", "words", {**ADDRESS, "provider": "OpenHuman"}),
    SpanCase("embeddings", "fact", http(f"https://{HOST}/v1/embeddings")),
    SpanCase("responses of a version", "fact", http(f"https://{HOST}/api/v2.1-beta/responses")),
    SpanCase("a deployment's", "fact", http(f"https://{HOST}/openai/deployments/gpt/embeddings?v=1")),
    SpanCase("Gemini", "fact", http(f"https://{HOST}/v1beta/models/g:streamGenerateContent")),
    SpanCase("method in small letters", "fact", http(http__request__method="post")),
    SpanCase("responses of a survey", "keep", http(f"https://{HOST}/survey/responses")),
    SpanCase("messages of a thread", "keep", http(f"https://{HOST}/threads/7/messages")),
    SpanCase("models in a query", "keep", http(f"https://{HOST}/v1/models/x?y/responses")),
    SpanCase("a verb in the place of a port", "keep", http(f"https://{HOST}:generateContent")),
    SpanCase("a fragment in a path", "keep", {**ADDRESS, "url.path": "/messages#x", "server.address": HOST}),
    SpanCase("GET", "keep", http(http__request__method="GET")),
    SpanCase("other host", "keep", http("https://api.openai.com/v1/chat/completions")),
    SpanCase("other port", "keep", http("https://edge.example.ai/v1/chat/completions")),
    SpanCase("http is not https", "keep", http("http://plain.example.ai/v1/chat/completions")),
    SpanCase(
        "our host as another's beginning", "keep", http(f"https://{HOST}.evil.example/v1/chat/completions")
    ),
    SpanCase("our host as another's end", "keep", http(f"https://not-{HOST}/v1/chat/completions")),
    SpanCase("our host in a path", "keep", http(f"https://proxy.example/{HOST}/v1/chat/completions")),
    SpanCase("our host as a user", "keep", http(f"https://{HOST}@proxy.example/v1/chat/completions")),
    SpanCase(
        "our host in a query", "keep", http(f"https://proxy.example/v1/responses?u=https://{HOST}/responses")
    ),
    SpanCase("address of others", "keep", {**ADDRESS, "server.address": "api.openai.com"}),
    SpanCase(
        "other port of the address",
        "keep",
        {**ADDRESS, "server.address": "edge.example.ai", "server.port": 443},
    ),
    SpanCase(
        "Sentry's address is its machine",
        "keep",
        {**ADDRESS, "server.address": HOST, "sentry.op": "http.client"},
    ),
    SpanCase("status 500", "keep", http(code=500)),
    SpanCase("status 429", "keep", http(code=429)),
    SpanCase("status 4010", "keep", http(code="4010")),
    SpanCase("no path that is known", "keep", http(f"https://{HOST}/v1/models")),
    SpanCase("a path in the query", "keep", http(f"https://{HOST}/v1/models?next=/chat/completions")),
    SpanCase(
        "an LLM call's tag on another path", "keep", http(f"https://{HOST}/v1/models", operation="chat")
    ),
    SpanCase("what the server answered", "keep", http(), kind=SpanKind.SERVER),
    SpanCase("third party's tag", "keep", http(provider="OpenRouter")),
    SpanCase("our tag, their host", "keep", http("https://api.openai.com/v1/chat/completions", **TAGS)),
    SpanCase("a status tag that contradicts", "keep", http(**without(TAGS, status="500"))),
    SpanCase("another operation", "keep", http(**without(TAGS, operation="file_upload"))),
    SpanCase("another failure", "keep", http(**without(TAGS, failure="timeout"))),
    SpanCase("chat, by its tags", "statement", {**CHAT, **TAGS}),
    SpanCase("chat, by its tags, at our host", "statement", {**CHAT, **TAGS, "server.address": HOST}),
    SpanCase("chat, by its tags, in a sentence", "statement", {**CHAT, **TAGS}, f"failed with {OURS}"),
    SpanCase("the domain's own span", "statement", TAGS, kind=SpanKind.INTERNAL),
    SpanCase("403 by the tags", "statement", without(TAGS, status="403 Forbidden")),
    SpanCase("an operation of a path", "statement", without(TAGS, operation="generate_content")),
    SpanCase("wire text", "statement", {**CHAT, **LAYER}, OURS),
    SpanCase("wire text, JSON", "statement", LAYER, f"BackendError: openai.X: {OURS}: {BODY}"),
    SpanCase("wire text, plain", "statement", LAYER, f"{OURS}: Invalid token (see the docs)"),
    SpanCase("streaming", "statement", LAYER, f"OpenHuman streaming API error (403 Forbidden): {BODY}\n"),
    SpanCase("third form", "statement", LAYER, "OpenHuman returned HTTP 401"),
    SpanCase("some of the tags, and wire text", "statement", without(TAGS, "operation", "failure"), OURS),
    SpanCase("chat, by its text", "words", CHAT, f"BackendError: {OURS}"),
    SpanCase("OpenInference", "words", {"openinference.span.kind": "LLM"}, OURS, SpanKind.INTERNAL),
    SpanCase("OpenLLMetry", "words", {"llm.request.type": "chat"}, OURS),
    SpanCase("words before it", "words", LAYER, f"run failed {OURS}"),
    SpanCase("a quoted prefix", "words", LAYER, f"'row': {OURS}"),
    SpanCase("words behind it", "words", LAYER, f"{OURS}, said the user"),
    SpanCase("broken JSON", "words", LAYER, f'{OURS}: {{"a":1,}}'),
    SpanCase("more behind the JSON", "words", LAYER, f"{OURS}: {BODY} x"),
    SpanCase("lines behind it", "words", LAYER, f"{OURS}: a\nb"),
    SpanCase("chat without its status", "keep", CHAT, "Error code: 401 - Unauthorized"),
    SpanCase("chat of a third party", "keep", CHAT, "OpenRouter API error (401 Unauthorized)"),
    SpanCase("another label", "keep", LAYER, "my-OpenHuman API error (401 Unauthorized)"),
    SpanCase("a longer word", "keep", LAYER, "XOpenHuman API error (401 Unauthorized)"),
    SpanCase("other status", "keep", LAYER, "OpenHuman API error (500 Internal Server Error)"),
    SpanCase("a longer number", "keep", LAYER, "OpenHuman returned HTTP 4011"),
    SpanCase("ours and theirs", "keep", LAYER, f"{OURS}: then OpenRouter API error (401)"),
    SpanCase("a page", "keep", LAYER, f"{OURS}: <!DOCTYPE html>"),
    SpanCase("a page, for all the tags", "keep", TAGS, f"{OURS}:  \n<html>"),
    SpanCase("our tags, their text", "keep", TAGS, "OpenRouter API error (401)"),
    SpanCase("our tags, their host", "keep", {**CHAT, **TAGS, "server.address": "api.openai.com"}),
    SpanCase("third party's tag", "keep", {**CHAT, **without(TAGS, provider="OpenRouter")}),
    SpanCase("no provider", "keep", {**CHAT, **without(TAGS, "provider")}),
    SpanCase("half a status", "keep", {**CHAT, **without(TAGS, status=401.5)}),
    SpanCase(
        "a tool, by our text", "keep", {"gen_ai.operation.name": "execute_tool"}, OURS, SpanKind.INTERNAL
    ),
    SpanCase("the application's own work", "keep", {"a": "b"}, "turn failed", SpanKind.INTERNAL),
)

# Codes of the veto, in any spelling: kept under `POLICY`.
VETOED = (
    '{"errorCode":"invalid_api_key"}',
    '{"error":{"code":"INSUFFICIENT-QUOTA"}}',
    '{"error":{"type":"invalidApiKey"}}',
    '{"reason":"Permission Denied"}',
    r'{"code":"invalid\u005fapi_key"}',
    r'{"code":"invalid\tapi\nkey"}',
    '{"code":"quota_exceeded',
)

LOGS = (
    LogCase("tags", "statement", "chat failed", TAGS),
    LogCase("tags, status as a number", "statement", "chat failed", without(TAGS, status=401)),
    LogCase("wire text of the layer", "statement", f"{OURS}: {BODY}", LAYER),
    LogCase("wire text of the layer, plain", "statement", f"chat: {OURS}: Invalid token", LAYER),
    LogCase("wire text in a map", "statement", {"message": OURS}, LAYER),
    LogCase(
        "wire text of an exception",
        "statement",
        "chat failed",
        {**LAYER, "exception.type": "E", "exception.message": OURS},
    ),
    LogCase("an outer layer", "statement", f"cron.job: {OURS}: {BODY}", AGENT),
    LogCase("an outer layer, nested", "statement", f'{OURS}: {{"error": {{"m": null, "n": -1.5}}}}', AGENT),
    LogCase("an outer layer, plain text", "words", f"{OURS}: Invalid token", AGENT),
    LogCase("an outer layer, a sentence", "words", f"retries exhausted: {OURS}", AGENT),
    LogCase("tags without domain", "words", "chat failed", without(TAGS, "domain", "failure")),
    LogCase("text", "words", f"chat failed: {OURS}"),
    LogCase("wire text without domain", "words", OURS),
    LogCase("wire text, an empty domain", "words", OURS, {"domain": ""}),
    LogCase("text in a map", "words", {"message": f"chat failed: {OURS}"}),
    LogCase(
        "text of an exception", "words", "chat failed", {"exception.type": "E", "exception.message": OURS}
    ),
    LogCase("a line break before it", "words", f"chat failed\n{OURS}", LAYER),
    LogCase(
        "an operation of a path, in words", "words", OURS, without(TAGS, domain="", operation="embeddings")
    ),
    LogCase("the number alone", "keep", "401 Unauthorized", LAYER),
    LogCase("third party's text", "keep", "OpenRouter API error (401 Unauthorized)", LAYER),
    LogCase("third party's tag", "keep", "chat failed", without(TAGS, provider="OpenRouter")),
    LogCase("our text, third party's tag", "keep", OURS, {**LAYER, "provider": "OpenRouter"}),
    LogCase("our tags, third party's text", "keep", "OpenRouter API error (401)", TAGS),
    LogCase("no operation", "keep", "chat failed", without(TAGS, "operation")),
    LogCase("another operation", "keep", "chat failed", without(TAGS, operation="file_upload")),
    LogCase("another operation, wire text", "keep", OURS, {**LAYER, "operation": "file_upload"}),
    LogCase("an outer operation, no text", "keep", "x", without(TAGS, domain="agent", operation="run")),
    LogCase("another status", "keep", "chat failed", without(TAGS, status="500")),
    LogCase("text, other status", "keep", "OpenHuman API error (502 Bad Gateway)", LAYER),
    LogCase("status in tag and text disagree", "keep", OURS, {**LAYER, "status": "500"}),
    LogCase(
        "an empty domain hides no other operation",
        "keep",
        OURS,
        without(TAGS, domain="", operation="file_upload"),
    ),
    LogCase("another failure", "keep", "chat failed", without(TAGS, failure="timeout")),
    LogCase("another failure, wire text", "keep", OURS, {**LAYER, "failure": "timeout"}),
    LogCase("a hyphen before the label", "keep", "not-OpenHuman API error (401)", LAYER),
    LogCase("a combining mark before the label", "keep", "e\u0301OpenHuman API error (401)", LAYER),
    LogCase(
        "a body beside another message",
        "keep",
        OURS,
        {**LAYER, "exception.type": "E", "exception.message": "OpenRouter API error (401)"},
    ),
    LogCase("nothing", "keep", "user signed in", {"status": "ok"}),
    LogCase("a number as body", "keep", 401, LAYER),
)
