"""What a span costs, kind by kind: on the application's thread, and in the process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel import RedactingSpanExporter
from sentry_filters import Redactor
from tests.bench.edge import listening_guard
from tests.bench.exporting import tracing
from tests.bench.recordings import Kind, dirty, kinds, lives
from tests.bench.table import PROCESS, TAIL, THREAD, Row, added, compared, plain
from tests.bench.timing import Act, Effort, Side, in_turns, side_by_side
from tests.bench.words import Words

TITLE = "Spans, batches exported by OTLP: the guard's share / the bare life"

WITH_SECRET = "GenAI with a secret"
_P99 = 0.99


def rows(effort: Effort) -> Iterator[Row]:
    """Measure each kind by itself, bare and guarded in turns; then an exporter that redacts by itself."""
    guard, words = listening_guard(), Words()
    with tracing() as bare, tracing(guard) as guarded:
        for name, kind in {**kinds(), WITH_SECRET: dirty()}.items():
            yield from _kind(name, kind, bare, guarded, words, effort)
    guard.close()
    yield from _batches(words, effort)


def _kind(
    name: str, kind: Kind, bare: TracerProvider, guarded: TracerProvider, words: Words, effort: Effort
) -> Iterator[Row]:
    taken = in_turns({"bare": side_of(bare, kind, words), "guarded": side_of(guarded, kind, words)}, effort)
    without, with_guard = taken["bare"], taken["guarded"]
    secret = name == WITH_SECRET
    content = " KB" in name
    yield plain(f"{name}: bare life", without.thread)
    yield added(f"{name}: {THREAD}", with_guard.thread, without.thread, 4.0 if secret else 0.15)
    yield added(f"{name}: {TAIL}", with_guard.thread, without.thread, None if secret else 0.25, _P99)
    most = None if secret else 0.4 if content else 0.2
    yield added(f"{name}: {PROCESS}", with_guard.process, without.process, most)


def side_of(provider: TracerProvider, kind: Kind, words: Words) -> Side:
    """Return a side of a comparison that lets spans of a kind live, then exports them."""
    return Side(lives(provider, kind, words), provider.force_flush)


class _Nowhere(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def _batches(words: Words, effort: Effort) -> Iterator[Row]:
    redactor = Redactor()
    genai, with_secret = kinds()["GenAI"], dirty()
    exporter = RedactingSpanExporter(_Nowhere(), redactor)
    size = min(512, effort.items)
    clean, tenth = (
        (lambda: _batch(size, genai, genai, words)),
        (lambda: _batch(size, genai, with_secret, words)),
    )
    taken = side_by_side(
        {
            "encode": Act(encode_spans, clean),
            "clean": Act(exporter.export, clean),
            "dirty": Act(exporter.export, tenth),
        },
        effort.longer(4),
    )
    encode = taken["encode"]
    yield plain("OTLP encoding of 512 GenAI spans", encode)
    yield compared("512 clean spans: exporter's redaction / OTLP encoding", taken["clean"], encode)
    yield compared(
        "512 spans, a secret in each tenth: exporter's redaction / OTLP encoding", taken["dirty"], encode
    )


def _batch(size: int, most: Kind, tenth: Kind, words: Words) -> Sequence[ReadableSpan]:
    provider, kept = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    for kind, number in ((most, size - size // 10), (tenth, size // 10)):
        for live in lives(provider, kind, words)(number):
            live()
    return kept.get_finished_spans()
