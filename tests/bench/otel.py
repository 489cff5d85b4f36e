"""`python -m tests.bench.otel`: what the OpenTelemetry edge costs, as ratios of one run."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel import GuardedSpanProcessor, RedactingSpanExporter
from sentry_filters import Policy, SessionGuard
from tests.bench.table import Row, show
from tests.bench.timing import Timing, side_by_side

TITLE = "The OpenTelemetry edge, healthy span with 10 GenAI attributes"

ATTRIBUTES: dict[str, str | int | float] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2026-01-01",
    "gen_ai.response.id": "chatcmpl-9f8e7d6c5b4a",
    "gen_ai.usage.input_tokens": 812,
    "gen_ai.usage.output_tokens": 64,
    "gen_ai.request.temperature": 0.1,
    "server.address": "api.example.ai",
    "server.port": 443,
}


class _Latest(SpanProcessor):
    """Keeps the latest spans, as a batch processor's queue does."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans = [*self.spans[-511:], span] if len(self.spans) < 512 else [span]


class _Nowhere(SpanExporter):
    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def rows() -> Iterator[Row]:
    """Measure the life of a span, and the export thread's work on a batch of 512."""
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}))
    bare, guarded = TracerProvider(), TracerProvider(active_span_processor=GuardedSpanProcessor(guard))
    bare_unique, guarded_unique = (_life(provider, unique=True) for provider in (bare, guarded))
    taken = side_by_side(
        {
            "bare": _life(bare, unique=False),
            "guarded": _life(guarded, unique=False),
            "bare unique": bare_unique,
            "guarded unique": guarded_unique,
        }
    )
    yield Row("bare span: start, 10 attributes, end", taken["bare"].median, taken["bare"].p99)
    yield _added("guard's part / bare", taken["guarded"], taken["bare"], 0.35)
    yield _added(
        "guard's part / bare, an id never seen before in each", taken["guarded unique"], taken["bare unique"]
    )
    batch = _batch(bare)
    taken = side_by_side(
        {"encode": lambda: encode_spans(batch), "redact": lambda: _exporter(guard).export(batch)}, rounds=20
    )
    yield Row("OTLP encoding of 512 spans", taken["encode"].median, taken["encode"].p99)
    redact, encode = taken["redact"], taken["encode"]
    yield Row(
        "exporter's redaction / encoding", redact.median, redact.p99, redact.median / encode.median, 0.10
    )


def _exporter(guard: SessionGuard) -> RedactingSpanExporter:
    """A new one for every batch: one that has seen the same texts before would have nothing to do."""
    return RedactingSpanExporter(_Nowhere(), guard.redactor)


def _life(provider: TracerProvider, *, unique: bool) -> Callable[[], None]:
    tracer = provider.get_tracer("bench")
    numbers = itertools.count()

    def live() -> None:
        span = tracer.start_span("chat gpt-4o-mini")
        for name, value in ATTRIBUTES.items():
            span.set_attribute(name, value)
        if unique:
            span.set_attribute("gen_ai.response.id", f"chatcmpl-9f8e7d6c5{next(numbers):06x}")
        span.end()

    return live


def _batch(provider: TracerProvider) -> list[ReadableSpan]:
    latest = _Latest()
    provider.add_span_processor(latest)
    live = _life(provider, unique=True)
    for _ in range(512):
        live()
    return latest.spans


def _added(what: str, guarded: Timing, bare: Timing, most: float | None = None) -> Row:
    added = guarded.median - bare.median
    return Row(what, added, guarded.p99 - bare.p99, added / bare.median, most)


def run() -> bool:
    """Print the table, and return whether the ratios are within what the project allows itself."""
    return show(TITLE, rows())


if __name__ == "__main__":
    sys.exit(0 if run() else 1)
