"""A span's life in an application: started, given the ten attributes of a GenAI call, ended."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode

from otel import GuardedSpanProcessor
from sentry_filters import SessionGuard
from tests.bench.edge import HOST

ATTRIBUTES: Mapping[str, str | int | float] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2026-01-01",
    "gen_ai.response.id": "chatcmpl-9f8e7d6c5b4a",
    "gen_ai.usage.input_tokens": 812,
    "gen_ai.usage.output_tokens": 64,
    "gen_ai.request.temperature": 0.1,
    "server.address": HOST,
    "server.port": 443,
}


def bare() -> TracerProvider:
    """Return a provider of the SDK alone."""
    return TracerProvider(shutdown_on_exit=False)


def guarded(guard: SessionGuard) -> TracerProvider:
    """Return a provider with the guard at its choke point."""
    return TracerProvider(active_span_processor=GuardedSpanProcessor(guard), shutdown_on_exit=False)


def healthy(provider: TracerProvider, *, unique: bool = False, note: str = "") -> Callable[[], None]:
    """Return a function that runs one healthy span through its life.

    Args:
        provider: Bare or guarded.
        unique: Whether each has an id that no other had.
        note: Text of a further attribute, if any.
    """
    tracer = provider.get_tracer("bench")
    numbers = itertools.count()

    def live() -> None:
        span = tracer.start_span("chat gpt-4o-mini")
        for name, value in ATTRIBUTES.items():
            span.set_attribute(name, value)
        if unique:
            span.set_attribute("gen_ai.response.id", f"chatcmpl-9f8e7d6c5{next(numbers):06x}")
        if note:
            span.set_attribute("app.note", note)
        span.end()

    return live


def expired(provider: TracerProvider) -> Callable[[], None]:
    """Return a function that does so with the HTTP span of a call that our expired session failed."""
    tracer = provider.get_tracer("bench")

    def live() -> None:
        span = tracer.start_span("POST")
        span.set_attribute("http.request.method", "POST")
        span.set_attribute("url.full", f"https://{HOST}/v1/chat/completions")
        span.set_attribute("server.address", HOST)
        span.set_attribute("http.response.status_code", 401)
        span.set_status(Status(StatusCode.ERROR, "OpenHuman API error (401 Unauthorized)"))
        span.end()

    return live
