"""The real instrumentations of HTTP clients and of the openai SDK, on for the time of a block."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.trace import TracerProvider

from tests.support.services import require

HOW_TO_INSTALL = (
    "run `uv pip install --group otel-test`: real instrumentations and exporters are not installed"
)

_INSTRUMENTORS = {
    "httpx": (
        ("opentelemetry.instrumentation.httpx", "HTTPXClientInstrumentor"),
        ("opentelemetry.instrumentation.httpx", "HTTPX2ClientInstrumentor"),
    ),
    "openai": (("opentelemetry.instrumentation.genai.openai", "OpenAIInstrumentor"),),
    "openinference": (("openinference.instrumentation.openai", "OpenAIInstrumentor"),),
}


def require_group() -> None:
    """Skip the test, or fail it in CI, where the group `otel-test` is not installed."""
    for module in ("opentelemetry.instrumentation", "logfire", "rotel", "openinference"):
        require(importlib.util.find_spec(module), HOW_TO_INSTALL)


@contextmanager
def instrumented(provider: TracerProvider, *names: str) -> Iterator[None]:
    """Instrument by the names `httpx`, `openai` and `openinference`, and take it back."""
    require_group()
    instrumentors = [one for name in names for one in _instrumentors(name)]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=provider)
    try:
        yield
    finally:
        for instrumentor in instrumentors:
            instrumentor.uninstrument()


def _instrumentors(name: str) -> list[Any]:
    return [getattr(importlib.import_module(module), kind)() for module, kind in _INSTRUMENTORS[name]]
