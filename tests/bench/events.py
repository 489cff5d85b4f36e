"""Sentry events as LLM applications send them: of any size, without a secret, and with secrets in them."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.support.secrets import fake

_WORDS = [
    *("request", "token_count", "model", "response", "user", "agent", "turn", "history", "context", "stream"),
    *("completion", "chunk", "retry", "backend", "provider", "schedule", "morning", "briefing", "summary"),
    *("tool", "call", "arguments", "result", "cache", "vector", "sign-in", "credit", "header", "identity"),
]


def clean_event(size: int = 40_000, seed: int = 7) -> dict[str, Any]:
    """Return a serialised error event of about this many bytes, without secrets, the same in every run."""
    dice = random.Random(seed)
    event = _skeleton(dice)
    frames, crumbs = event["exception"]["values"][0]["stacktrace"]["frames"], event["breadcrumbs"]["values"]
    length = len(json.dumps(event))
    while True:
        frame, crumb = _frame(dice), _crumb(dice)
        length += len(json.dumps([frame, crumb])) + 2
        if length > size and frames:
            return event
        frames.append(frame)
        crumbs.append(crumb)


def dirty_event(secrets: int = 20, size: int = 40_000, seed: int = 7, first: int = 0) -> dict[str, Any]:
    """Return the clean event with secrets in it: under a key that says so, in a repr, in a message.

    Args:
        secrets: How many; there are twenty different ones.
        size: Bytes, about.
        seed: Of the clean event.
        first: The number of the first secret: another twenty from each multiple of 20.
    """
    event = clean_event(size, seed)
    frames, crumbs = event["exception"]["values"][0]["stacktrace"]["frames"], event["breadcrumbs"]["values"]
    pool = secrets_of(20, first)
    for number in range(secrets):
        secret = pool[number % 20]
        variables = frames[number % len(frames)]["vars"]
        match number % 3:
            case 0:
                variables[f"client_{number}"] = f"<Client key={secret!r}>"
            case 1:
                variables["api_key"] = repr(secret)
            case 2:
                crumbs[number % len(crumbs)]["message"] += f" Authorization: Bearer {secret}"
    return event


def secrets_of(number: int, first: int = 0) -> list[str]:
    """Return so many fake secrets."""
    return [fake("sk-" + "proj-", 40, seed=str(one)) for one in range(first, first + number)]


def _skeleton(dice: random.Random) -> dict[str, Any]:
    return {
        "event_id": f"{dice.getrandbits(128):032x}",
        "timestamp": "2026-11-22T12:00:00.000000Z",
        "level": "error",
        "platform": "python",
        "release": "app@1.2.3",
        "environment": "production",
        "tags": {"feature": "chat", "region": "eu", "model": "gpt-4o-2024-08-06"},
        "user": {"id": "4711"},
        "request": {
            "url": "https://app.example.test/chat?page=2",
            "headers": {"accept": "*/*", "host": "app"},
        },
        "contexts": {
            "trace": {"trace_id": f"{dice.getrandbits(128):032x}", "span_id": f"{dice.getrandbits(64):016x}"}
        },
        "extra": {"usage": {"input_tokens": 812, "output_tokens": 77, "max_tokens": 4096}},
        "exception": {
            "values": [{"type": "ValueError", "value": _prose(dice, 12), "stacktrace": {"frames": []}}]
        },
        "breadcrumbs": {"values": []},
    }


def _frame(dice: random.Random) -> dict[str, Any]:
    return {
        "filename": f"app/{dice.choice(_WORDS)}.py",
        "abs_path": f"/srv/app/{dice.choice(_WORDS)}.py",
        "function": dice.choice(_WORDS),
        "lineno": dice.randrange(900),
        "in_app": True,
        "pre_context": [f"    {_prose(dice, 7)}" for _ in range(5)],
        "context_line": f"    return {dice.choice(_WORDS)}({dice.choice(_WORDS)}, max_tokens=512)",
        "post_context": [f"    {_prose(dice, 7)}" for _ in range(5)],
        "vars": {
            "self": f"<app.services.Client object at 0x{dice.getrandbits(32):08x}>",
            "kwargs": {"max_tokens": str(dice.randrange(9_000)), "messages": ["{'role': 'user'}"]},
            **{f"{dice.choice(_WORDS)}_{number}": f"'{_prose(dice, 5)}'" for number in range(6)},
        },
    }


def _crumb(dice: random.Random) -> dict[str, Any]:
    return {
        "type": "http",
        "category": "httplib",
        "timestamp": "2026-11-22T11:59:59.000000Z",
        "message": _prose(dice, 9),
        "data": {"url": f"https://api.example.test/v1/{dice.choice(_WORDS)}", "status_code": 200},
    }


def _prose(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices(_WORDS, k=words))
