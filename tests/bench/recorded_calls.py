"""What `recording.py` lets be recorded of LLM calls: the openai SDK, with answers made of marks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import openai
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider

from tests.bench.edge import HOST
from tests.bench.words import mark
from tests.support.clients import OPENAI_HTTP

OURS, THIRD_PARTY = HOST, "api.third-party.example"
_HTTP_INSTRUMENTOR: Any = (
    HTTPX2ClientInstrumentor if OPENAI_HTTP.__name__ == "httpx2" else HTTPXClientInstrumentor
)


@contextmanager
def client_of(
    host: str, status: int = 200, provider: TracerProvider | None = None
) -> Iterator[openai.OpenAI]:
    """Yield a client whose backend answers with a text of the size that the metadata ask for.

    Args:
        host: Of its base URL.
        status: Of each answer.
        provider: Where the spans of the HTTP client belong, if it has any.
    """

    def answer(request: Any) -> Any:
        size = int(json.loads(request.content)["metadata"]["size"])
        headers = {"x-request-id": mark("id", 32, 9)}
        body = _answer(size) if status == 200 else {"error": {"message": mark("prose", 60), "code": None}}
        return OPENAI_HTTP.Response(status, json=body, headers=headers)

    with OPENAI_HTTP.Client(transport=OPENAI_HTTP.MockTransport(answer)) as http:
        if provider is not None:
            _HTTP_INSTRUMENTOR.instrument_client(http, tracer_provider=provider)
        yield openai.OpenAI(base_url=f"https://{host}/v1", api_key="a", http_client=http, max_retries=0)


def _answer(size: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": mark("prose", size // 4, 4)}
    return {
        "id": "chatcmpl-" + mark("id", 29, 5),
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-4o-mini-2026-01-01",
        "system_fingerprint": "fp_" + mark("hex", 10, 6),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 812, "completion_tokens": 64, "total_tokens": 876},
    }


def chat(client: openai.OpenAI, prose: int) -> None:
    """Let a client ask for a chat completion; it may fail.

    Args:
        client: The client.
        prose: Characters of all messages and the answer, about.
    """
    messages: Any = [
        {"role": "system", "content": mark("prose", prose // 4, 1)},
        {"role": "user", "content": mark("prose", prose // 4, 2)},
        {"role": "assistant", "content": mark("prose", prose // 8, 3)},
        {"role": "user", "content": mark("prose", prose // 8, 7)},
    ]
    with suppress(openai.APIStatusError):
        client.chat.completions.create(
            model="gpt-4o-mini",
            messages=messages,
            temperature=0.1,
            max_tokens=512,
            metadata={"size": str(prose)},
        )
