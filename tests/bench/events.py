"""Sentry events as applications send them: one of about 40 KB, clean, and with secrets in it."""

from __future__ import annotations

import random
from typing import Any

from tests.support.secrets import fake

_WORDS = [
    *("request", "token_count", "model", "response", "user", "agent", "turn", "history", "context", "stream"),
    *("completion", "chunk", "retry", "backend", "provider", "schedule", "morning", "briefing", "summary"),
    *("tool", "call", "arguments", "result", "cache", "vector", "sign-in", "credit", "header", "identity"),
]


def clean_event(kilobytes: int = 40, seed: int = 7) -> dict[str, Any]:
    """Return a serialised error event of about this size, without secrets, the same in every run."""
    dice = random.Random(seed)
    event = _skeleton(dice)
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    while len(str(event)) < kilobytes * 1_000:
        frames.append(_frame(dice))
        event["breadcrumbs"]["values"].append(_crumb(dice))
    return event


def dirty_event(secrets: int = 20, kilobytes: int = 40) -> dict[str, Any]:
    """Return the clean event with this many secrets spread over locals and breadcrumbs."""
    event = clean_event(kilobytes)
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    crumbs = event["breadcrumbs"]["values"]
    for number in range(secrets):
        secret = fake("sk-proj-", 40, seed=str(number))
        if number % 2:
            frames[number % len(frames)]["vars"][f"client_{number}"] = f"<Client key={secret!r}>"
        else:
            crumbs[number % len(crumbs)]["message"] += f" Authorization: Bearer {secret}"
    return event


def _skeleton(dice: random.Random) -> dict[str, Any]:
    return {
        "event_id": f"{dice.getrandbits(128):032x}",
        "timestamp": "2026-11-22T12:00:00.000000Z",
        "level": "error",
        "platform": "python",
        "release": "app@1.2.3",
        "environment": "production",
        "tags": {"feature": "chat", "region": "eu"},
        "user": {"id": "4711", "email": "someone@example.test"},
        "contexts": {
            "trace": {"trace_id": f"{dice.getrandbits(128):032x}", "span_id": f"{dice.getrandbits(64):016x}"}
        },
        "request": {
            "url": "https://app.example.test/chat?page=2",
            "headers": {"accept": "*/*", "host": "app"},
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
        "function": dice.choice(_WORDS),
        "lineno": dice.randrange(900),
        "in_app": True,
        "pre_context": [f"    {_prose(dice, 7)}" for _ in range(5)],
        "context_line": f"    return {dice.choice(_WORDS)}({dice.choice(_WORDS)})",
        "post_context": [f"    {_prose(dice, 7)}" for _ in range(5)],
        "vars": {f"{dice.choice(_WORDS)}_{number}": f"'{_prose(dice, 5)}'" for number in range(8)},
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
