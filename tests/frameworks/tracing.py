"""OpenTelemetry as an application sets it up: HTTP clients' instrumentations, and a framework's own."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

HTTP = (
    "opentelemetry.instrumentation.httpx:HTTPXClientInstrumentor",
    "opentelemetry.instrumentation.httpx:HTTPX2ClientInstrumentor",
    "opentelemetry.instrumentation.requests:RequestsInstrumentor",
    "opentelemetry.instrumentation.aiohttp_client:AioHttpClientInstrumentor",
    "opentelemetry.instrumentation.urllib3:URLLib3Instrumentor",
    "opentelemetry.instrumentation.urllib:URLLibInstrumentor",
)


class PydanticAI:
    """pydantic-ai traces by itself when it is told to."""

    def instrument(self, *, tracer_provider: TracerProvider) -> None:
        """Tell it."""
        from pydantic_ai import Agent
        from pydantic_ai.models.instrumented import InstrumentationSettings

        Agent.instrument_all(InstrumentationSettings(tracer_provider=tracer_provider))


def set_up(processor: SpanProcessor, own: Iterable[str]) -> TracerProvider:
    """Return a provider that everything traces to which is installed.

    Args:
        processor: Where spans go.
        own: The framework's own instrumentations.
    """
    provider = TracerProvider()
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    for name in (*HTTP, *own):
        instrumentor = _found(name)
        if instrumentor is not None:
            instrumentor.instrument(tracer_provider=provider)
    return provider


def _found(name: str) -> Any:
    module, _, kind = name.partition(":")
    try:
        made = getattr(importlib.import_module(module), kind, None)
    except ImportError:
        return None
    return None if made is None else made()
