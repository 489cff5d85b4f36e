"""`python -m tests.bench.served bare|guarded BACKEND`: the application of the end-to-end benchmark.

It prints where it listens, as a line of JSON, and serves until its input ends.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import time
from typing import Any

import fastapi
import httpx2
import openai
import sentry_sdk
import uvicorn
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.openai import OpenAIIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration

from otel import GuardedSpanProcessor
from sentry_filters import Policy, SessionExpiredError, SessionGuard
from tests.support.secrets import fake

_TOKEN = fake("eyJ", 60, seed="bench")
_logger = logging.getLogger("app.chat")


def application(backend: str, *, guarded: bool) -> fastapi.FastAPI:
    """Return a chat application with Sentry's tracing and OTLP, as its documentation sets both up."""
    guard = (
        SessionGuard(Policy(provider="OpenHuman", hosts={backend}), lambda event: None) if guarded else None
    )
    options: dict[str, Any] = {
        "dsn": f"http://a@{backend}/1",
        "traces_sample_rate": 1.0,
        "enable_logs": True,
        "integrations": [OpenAIIntegration(), StarletteIntegration(), FastApiIntegration()],
        "auto_enabling_integrations": False,  # of all that happens to be installed here, too
    }
    provider = (
        TracerProvider()
        if guard is None
        else TracerProvider(active_span_processor=GuardedSpanProcessor(guard))
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"http://{backend}/v1/traces")))
    # openai 3 moved from httpx to httpx2.
    moved = issubclass(openai.DefaultHttpxClient, httpx2.Client)
    (HTTPX2ClientInstrumentor if moved else HTTPXClientInstrumentor)().instrument(tracer_provider=provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    sentry_sdk.init(**(options if guard is None else guard.sentry_options(**options)))
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    client = openai.OpenAI(base_url=f"http://{backend}/v1", api_key=_TOKEN, max_retries=0)
    app = fastapi.FastAPI()
    if guard is not None:
        guard.instrument(client)
        if (warm := getattr(guard, "warm", None)) is not None:
            warm()

    @app.post("/conversations/{conversation}/messages")
    def messages(conversation: str, turn: dict[str, str]) -> dict[str, Any]:
        if guard is not None:
            guard.gate.check()
        _logger.info("a turn of %d characters for conversation %s", len(turn["content"]), conversation)
        answer = client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[
                {"role": "system", "content": turn["system"]},
                {"role": "user", "content": turn["content"]},
            ],
        )
        return {"conversation": conversation, "answer": answer.choices[0].message.content}

    @app.exception_handler(SessionExpiredError)
    def refused(request: fastapi.Request, error: Exception) -> fastapi.Response:
        return fastapi.Response(status_code=503)

    @app.get("/processor")
    def processor() -> dict[str, float]:
        """Let everything be sent, and say how long this process has used a processor."""
        sentry_sdk.flush()
        provider.force_flush()
        return {"seconds": time.process_time()}

    return app


def _serve(backend: str, *, guarded: bool) -> None:
    app = application(backend, guarded=guarded)
    # Named as TCP, so that the event loop switches Nagle's algorithm off, as it does for sockets of its own.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
        _end_with_input(lambda: setattr(server, "should_exit", True))
        print(json.dumps(f"127.0.0.1:{listening.getsockname()[1]}"), flush=True)  # noqa: T201 - a command
        server.run(sockets=[listening])


def _end_with_input(end: Any) -> None:
    def wait() -> None:
        sys.stdin.read()
        end()

    threading.Thread(target=wait, daemon=True).start()


def main(role: str, backend: str) -> None:
    """Serve, until the input ends."""
    _serve(backend, guarded=role == "guarded")
    os._exit(0)  # what is still being sent is not waited for


if __name__ == "__main__":
    main(*sys.argv[1:])
