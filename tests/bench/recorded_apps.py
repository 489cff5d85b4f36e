"""What `recording.py` records of web applications: server spans, Sentry's events, transactions and logs."""

from __future__ import annotations

import builtins
import json
import keyword
import logging
import random
import re
import sqlite3
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import fastapi
import flask
import sentry_sdk
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from werkzeug.test import Client

from tests.bench.recorded_calls import OURS, client_of
from tests.bench.words import mark
from tests.support.sentry import CapturingTransport, initialised

_ROOT = Path(__file__).resolve().parents[2]
_PATH = f"/conversations/{mark('hex', 32)}/messages"
_HEADERS = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept": "application/json",
    "x-request-id": mark("hex", 32, 1),
}
_WAYS = 6  # of a conversation to end: the first is well
_logger = logging.getLogger("app.chat")


class Conversation:
    """A conversation, with all that an application's frames hold when something in it fails.

    Args:
        number: Which of the ways to fail.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.history = [
            {"role": role, "content": mark("prose", 300, one)}
            for one, role in enumerate(("system", "user", "assistant", "user"))
        ]

    def answer(self, model: str = "gpt-4o-mini", temperature: float = 0.1) -> str:
        """Answer the last turn; it fails, if that is its number."""
        request_id, turns = mark("hex", 32, 1), len(self.history)
        parameters = {"model": model, "temperature": temperature, "max_tokens": 512, "stream": False}
        for turn in self.history:
            _logger.info(
                "turn of %s has %d characters: %s",
                turn["role"],
                len(turn["content"]),
                mark("prose", 60, turns),
            )
        self._ask(parameters)
        prompt = self._prompt(parameters, request_id)
        return self._read(prompt, usage={"input_tokens": 812, "output_tokens": 64})

    def _ask(self, parameters: dict[str, Any]) -> None:
        with client_of(OURS, 500 if self.number == 5 else 200) as client:
            client.chat.completions.create(
                model=parameters["model"],
                messages=self.history,  # type: ignore[arg-type]
                metadata={"size": "400"},
            )

    def _prompt(self, parameters: dict[str, Any], request_id: str) -> dict[str, Any]:
        database = sqlite3.connect(":memory:")
        rows = database.execute(
            "SELECT name, type FROM sqlite_master WHERE name LIKE ? AND type IN ('table', 'view')",
            ("m%",),
        ).fetchall()
        summary = " ".join(turn["content"][:80] for turn in self.history)
        if self.number == 1:
            return {**parameters, "messages": self.history[len(rows) + 7], "summary": summary}
        return {**parameters, "messages": self.history, "metadata": {"request_id": request_id}}

    def _read(self, prompt: dict[str, Any], usage: dict[str, int]) -> str:
        answer = '{"choices": [{"message": {"content": "' + mark("prose", 200, 6)
        tools = [{"type": "function", "function": {"name": "search", "arguments": mark("prose", 60, 8)}}]
        match self.number:
            case 0:
                return "answered"
            case 2:
                return str(json.loads(answer)["choices"])
            case 3:
                return str(prompt["tools"] or tools)
            case _:
                raise RuntimeError(
                    f"the answer after {usage['output_tokens']} tokens: {mark('prose', 120, 9)}"
                )


def _fastapi() -> fastapi.FastAPI:
    app = fastapi.FastAPI()

    @app.post("/conversations/{conversation}/messages")
    def messages(conversation: str, fails: int = 0) -> dict[str, str]:
        return {"conversation": conversation, "answer": Conversation(fails).answer()}

    return app


def _flask() -> flask.Flask:
    app = flask.Flask("web")

    @app.post("/conversations/<conversation>/messages")
    def messages(conversation: str) -> dict[str, str]:
        return {
            "conversation": conversation,
            "answer": Conversation(int(flask.request.args["fails"])).answer(),
        }

    return app


def _django_view(request: HttpRequest, conversation: str) -> HttpResponse:
    with connection.cursor() as cursor:
        for table in ("conversation", "message", "model"):
            cursor.execute(
                "SELECT name, type FROM sqlite_master WHERE name = %s ORDER BY name LIMIT 20", (table,)
            )
    answer = Conversation(int(request.GET["fails"])).answer()
    return HttpResponse(json.dumps({"conversation": conversation, "answer": answer}))


urlpatterns = [path("conversations/<str:conversation>/messages", _django_view)]


def _django_client() -> Client:
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF=__name__,
            MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            SECRET_KEY=mark("id", 50),
        )
        django.setup()
    return Client(WSGIHandler())


def _post_fastapi(app: fastapi.FastAPI, fails: int) -> None:
    client = TestClient(app, raise_server_exceptions=False, base_url="https://app.example.test")
    client.post(_PATH, params={"fails": fails}, headers=_HEADERS, json={"content": mark("prose", 400)})


def _post_flask(app: flask.Flask, fails: int) -> None:
    client = app.test_client()
    client.post(f"{_PATH}?fails={fails}", headers=_HEADERS, json={"content": mark("prose", 400)})


def _post_django(client: Client, fails: int) -> None:
    body = json.dumps({"content": mark("prose", 400)})
    client.post(f"{_PATH}?fails={fails}", data=body, content_type="application/json", headers=_HEADERS)


def _serve_fastapi(provider: TracerProvider, recorder: Any) -> list[dict[str, Any]]:
    app = _fastapi()
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    _post_fastapi(app, 0)
    return list(recorder.taken())


def _serve_flask(provider: TracerProvider, recorder: Any) -> list[dict[str, Any]]:
    app = _flask()
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    _post_flask(app, 0)
    return list(recorder.taken())


def _serve_django(provider: TracerProvider, recorder: Any) -> list[dict[str, Any]]:
    _django_client()  # the instrumentation finds the settings
    DjangoInstrumentor().instrument(tracer_provider=provider)
    _post_django(_django_client(), 0)
    DjangoInstrumentor().uninstrument()
    return list(recorder.taken())


SERVERS = (_serve_fastapi, _serve_flask, _serve_django)


def sentry_items() -> dict[str, Any]:
    """Record the events, the transactions and the logs of three web applications and a worker."""
    sys.argv = ["app"]
    _logger.setLevel(logging.INFO)
    _logger.propagate = True
    transport = CapturingTransport()
    posts: tuple[tuple[Callable[[], Any], Callable[[Any, int], None]], ...] = (
        (_fastapi, _post_fastapi),
        (_flask, _post_flask),
        (_django_client, _post_django),
    )
    for personal in (False, True):  # both are common, and say different things about a request
        with initialised(
            dsn="http://a@127.0.0.1:1/1",
            transport=transport,
            traces_sample_rate=1.0,
            enable_logs=True,
            server_name="web-1",
            release="app@1.2.3",
            send_default_pii=personal,
        ):
            for fails in (0, *range(1 + personal, _WAYS, 2)):
                for make, post in posts:
                    post(make(), fails)
                if fails:
                    _work(fails)
            sentry_sdk.flush()
    items = transport.items
    events = [one.json for one in items if one.type == "event"]
    _exchange_words(events)
    transactions = [one.json for one in items if one.type == "transaction" and _is_well(one.json)]
    logs = [one for item in items if item.type == "log" for one in item.json["items"]]
    return {
        "events": events,
        "transactions": [one for one in transactions if len(one["spans"]) > 0],
        "sentry logs": logs[:40],
    }


def _is_well(transaction: dict[str, Any]) -> bool:
    return bool(transaction["spans"]) and transaction["contexts"]["trace"].get("status") == "ok"


def _work(fails: int) -> None:
    """Fail in a worker: without a framework around it."""
    conversations = [Conversation(0), Conversation(fails)]
    for conversation in conversations:
        try:
            conversation.answer()
        except Exception as error:
            sentry_sdk.capture_exception(error)


def _exchange_words(events: list[dict[str, Any]]) -> None:
    """Exchange the words of source lines: what libraries wrote is theirs; what it looks like stays.

    Brackets, quotes and operators stay, and so do the names that frames have as variables, Python's own, and
    short ones.
    """
    frames = [
        frame
        for event in events
        for value in event["exception"]["values"]
        for frame in value["stacktrace"]["frames"]
    ]
    names = {name for frame in frames for name in frame.get("vars", ())} | {*keyword.kwlist, *dir(builtins)}
    kept = {part.lower() for name in names for part in _words(name)}
    exchanged: dict[str, str] = {}
    dice = random.Random(7)

    def other(match: re.Match[str]) -> str:
        word = match[0]
        if word.lower() in kept:
            return word
        if word not in exchanged:
            made = "".join(dice.choice("aeiou" if n % 2 else "bdfglmnprst") for n in range(len(word)))
            exchanged[word] = made.title() if word[0].isupper() else made
        return exchanged[word]

    for frame in frames:
        for name in ("pre_context", "post_context"):
            frame[name] = [_WORD.sub(other, line) for line in frame.get(name, ())]
        frame["context_line"] = _WORD.sub(other, frame.get("context_line") or "")


_WORD = re.compile(r"(?<!zz7)[A-Z]?[a-z]{3,}(?!\d)")


def _words(name: str) -> Iterator[str]:
    return (match[0] for match in _WORD.finditer(name))


def without_places(text: str) -> str:
    """Return the recording without the paths, addresses and identifiers of where and when it was made."""
    paths = sysconfig.get_paths()
    for place, there in (
        (paths["purelib"], "/srv/app/.venv/lib/python3.11/site-packages"),
        (str(_ROOT), "/srv/app"),
        (paths["stdlib"], "/usr/lib/python3.11"),
        (sys.prefix, "/srv/app/.venv"),
        (sys.base_prefix + "/", "/usr/"),
    ):
        text = text.replace(place, there)
    numbers: dict[str, int] = {}

    def marked(match: re.Match[str]) -> str:
        return mark("hex", len(match[0]), numbers.setdefault(match[0], len(numbers) + 100))

    text = re.sub(r"(?<=0x)[0-9a-f]{6,16}\b", marked, text)
    return re.sub(r"(?<![0-9a-zA-Z])(?:[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-zA-Z])", marked, text)
