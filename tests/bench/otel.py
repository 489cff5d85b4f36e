"""What the OpenTelemetry edge costs: a span's life, and the export thread's work on a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel import RedactingSpanExporter
from sentry_filters import SessionGuard
from tests.bench import spans
from tests.bench.edge import listening_guard
from tests.bench.table import Row, added, compared, plain
from tests.bench.telemetry import secret_text
from tests.bench.timing import Act, Effort, side_by_side

TITLE = "Spans: 10 GenAI attributes, batches of 512"

_BATCH = 512


class _Nowhere(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def rows(effort: Effort) -> Iterator[Row]:
    """Measure the processor beside the bare life of a span, the exporter beside the OTLP encoding."""
    guard = listening_guard()
    yield from _lives(guard, effort)
    yield from _batches(guard, effort)
    guard.close()


def _lives(guard: SessionGuard, effort: Effort) -> Iterator[Row]:
    bare, guarded = spans.bare(), spans.guarded(guard)
    # A failed call below it makes a trace's spans the business of verdicts: a guard of its own.
    failing = listening_guard()
    taken = side_by_side(
        {
            "bare": spans.healthy(bare),
            "guarded": spans.healthy(guarded),
            "bare unique": spans.healthy(bare, unique=True),
            "guarded unique": spans.healthy(guarded, unique=True),
            "bare dirty": spans.healthy(bare, note=secret_text()),
            "guarded dirty": spans.healthy(guarded, note=secret_text()),
            "bare expired": spans.expired(bare),
            "guarded expired": spans.expired(spans.guarded(failing)),
        },
        effort,
    )
    failing.close()
    yield plain("a span's life, opentelemetry-sdk alone", taken["bare"])
    for what, name, most in (
        ("healthy span: guard's part / its bare life", "", 0.35),
        ("span with an id never seen before: guard's part / its bare life", " unique", None),
        ("span with a secret: guard's part / its bare life", " dirty", None),
        ("span of our expired session, dropped: guard's part / its bare life", " expired", None),
    ):
        yield added(what, taken[f"guarded{name}"], taken[f"bare{name}"], most)


def _batches(guard: SessionGuard, effort: Effort) -> Iterator[Row]:
    clean, dirty = _batch(), _batch(secret_text())

    def exporter() -> RedactingSpanExporter:
        # A new one for every batch: one that has seen the same texts before would have nothing to do.
        return RedactingSpanExporter(_Nowhere(), guard.redactor)

    taken = side_by_side(
        {
            "encode": lambda: encode_spans(clean),
            "clean": Act(lambda made: made.export(clean), exporter),
            "dirty": Act(lambda made: made.export(dirty), exporter),
        },
        effort,
    )
    yield plain("OTLP encoding of 512 spans", taken["encode"])
    yield compared(
        "512 clean spans: exporter's redaction / OTLP encoding", taken["clean"], taken["encode"], 0.10
    )
    yield compared(
        "512 spans, a secret in each tenth: exporter's redaction / OTLP encoding",
        taken["dirty"],
        taken["encode"],
    )


def _batch(secret: str = "") -> Sequence[ReadableSpan]:
    provider, kept = spans.bare(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    lives = [spans.healthy(provider, unique=True)] * 9 + [spans.healthy(provider, unique=True, note=secret)]
    for number in range(_BATCH):
        lives[number % 10]()
    return kept.get_finished_spans()
