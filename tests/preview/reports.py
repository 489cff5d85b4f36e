"""Reports as Sentry gets them: of our expired session, of other failures of its backend, of third parties."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HOST = "api.example.ai"
URL = f"https://{HOST}/v1/chat/completions"
WIRE = "OpenHuman API error (401 Unauthorized): {}"
TAGS = {
    "domain": "llm_provider", "operation": "chat_completions", "provider": "OpenHuman", "status": "401",
    "failure": "non_2xx",
}  # fmt: skip


def lines_of(folder: Path, payloads: Iterable[Any]) -> Path:
    """Write a file of JSON lines."""
    file = folder / "events.jsonl"
    file.write_text("".join(f"{json.dumps(payload)}\n" for payload in payloads))
    return file


def event(text: str, place: str = "exception", **tags: str) -> dict[str, Any]:
    """An error event."""
    shapes: dict[str, Any] = {
        "exception": {"exception": {"values": [{"type": "Error", "value": text}]}},
        "logentry": {"logentry": {"formatted": text}},
        "message": {"message": text},
    }
    return {"level": "error", "tags": tags, **shapes[place]}


def log(text: str, **tags: str) -> dict[str, Any]:
    """A log, as an envelope holds it."""
    attributes = {name: {"value": value, "type": "string"} for name, value in tags.items()}
    return {"body": text, "severity_number": 17, "attributes": attributes}


def transaction(status: int, host: str, path: str, number: int) -> dict[str, Any]:
    """A failed call as its two spans."""
    url = f"https://{host}{path}"
    trace = f"{number:032x}"
    http = {
        "trace_id": trace, "span_id": f"h{number}", "parent_span_id": f"c{number}", "op": "http.client",
        "description": f"POST {url}", "status": "unauthenticated",
        "data": {"http.response.status_code": status, "url": url},
    }  # fmt: skip
    chat = {
        "trace_id": trace, "span_id": f"c{number}", "parent_span_id": f"t{number}", "op": "gen_ai.chat",
        "status": "internal_error",
    }  # fmt: skip
    return {
        "type": "transaction",
        "contexts": {"trace": {"span_id": f"t{number}", "trace_id": trace}},
        "spans": [chat, http],
    }


def generated() -> list[dict[str, Any]]:
    """Reports of our session, of other failures of the same backend, and of third parties."""
    bodies = ["Invalid token", '{"code":"invalid_token"}', '{"error":{"code":"insufficient_quota"}}', ""]
    texts = [WIRE.format(body) for body in bodies]
    texts += [text.replace("OpenHuman", "OpenAI") for text in texts[:2]]
    texts += ["OpenHuman API error (403 Forbidden): no", "OpenHuman API error (500 Server Error): no", "boom"]
    texts += [f"run failed: error={texts[0]}"]
    tag_sets: list[dict[str, str]] = [
        TAGS,
        {},
        {**TAGS, "provider": "OpenAI"},
        {**TAGS, "status": "403"},
        {**TAGS, "operation": "embeddings"},
        {**TAGS, "domain": "app"},
    ]
    places = itertools.cycle(["exception", "logentry", "message"])
    reports = [event(text, next(places), **tags) for text in texts for tags in tag_sets]
    reports += [log(text, **tags) for text in texts for tags in tag_sets[:4]]
    hosts = [HOST, "api.openai.com", "api.elsewhere.example"]
    calls = itertools.product((401, 403, 500), hosts, ("/v1/chat/completions", "/v1/embeddings", "/users"))
    return [*reports, *(transaction(*call, number) for number, call in enumerate(calls))]
