"""Spans that are redacted when they are first read: by whom, when, and what no reader ever gets."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, StatusCode, TraceFlags, TraceState

from otel import GuardedSpanProcessor
from otel.redaction import Reader
from otel.redaction.contents import CLEAN
from sentry_filters import Redactor, SessionGuard
from sentry_filters.redaction import DOUBT, WITHHELD, Look
from tests.otel.canary import HARMLESS, secret

_SECRET = secret(0)[11:]
_PLACES = 9


class Kept(SpanProcessor):
    """Keeps what ended, and reads nothing of it."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def a_provider(guard: SessionGuard, *processors: SpanProcessor) -> TracerProvider:
    resource = Resource({"service.name": HARMLESS, "process.command_args": f"--token={secret(1)}"})
    processor = GuardedSpanProcessor(guard, *processors)
    return TracerProvider(resource=resource, active_span_processor=processor, shutdown_on_exit=False)


def end_a_span(provider: TracerProvider) -> None:
    """End a healthy span with a secret in every place."""
    state = TraceState([("vendor", secret(2)), ("other", HARMLESS)])
    remote = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    parent = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    tracer = provider.get_tracer(HARMLESS, attributes={"scope": secret(3)})
    span = tracer.start_span(f"call {secret(4)}", parent, links=[Link(remote, {"why": secret(5)})])
    span.set_attributes({"key": secret(6), "list": ["a", secret(7)], "note": HARMLESS})
    span.add_event(f"event {secret(8)}", {"note": secret(9)})
    span.set_status(StatusCode.OK)
    span.end()


def an_unread_span(guard: SessionGuard) -> ReadableSpan:
    kept = Kept()
    end_a_span(a_provider(guard, kept))
    (span,) = kept.spans
    assert guard.counters.get("redactions", "span") == 0
    return span


def everything_in(value: object, depth: int = 8) -> Iterator[str]:
    """All texts that are found from here by walking over items and attributes."""
    yield repr(value)
    if depth and not isinstance(value, str | bytes | int | type):
        inner: list[object] = []
        if isinstance(value, Mapping):
            inner += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple) or type(value).__name__ == "BoundedList":
            inner += list(value)  # type: ignore[call-overload]
        inner += vars(value).values() if hasattr(value, "__dict__") else ()
        for one in inner:
            yield from everything_in(one, depth - 1)


WAYS: dict[str, Callable[[ReadableSpan], object]] = {
    "vars": vars,
    "to_json": lambda span: span.to_json(),
    "repr": repr,
    "copy": copy.copy,
    "fields of a copy": lambda span: vars(copy.copy(span)),
    "deepcopy": lambda span: vars(copy.deepcopy(span)),
    "what pickle takes": lambda span: span.__reduce_ex__(pickle.HIGHEST_PROTOCOL),
    "getstate": lambda span: span.__getstate__(),
    "every attribute": lambda span: [getattr(span, name, None) for name in dir(span)],
    "every slot": lambda span: [
        getattr(span, name, None) for kind in type(span).__mro__ for name in getattr(kind, "__slots__", ())
    ],
    "the SDK's own dict": lambda span: vars(ReadableSpan)["__dict__"].__get__(span),
    "trace state": lambda span: span.context and span.context.trace_state.to_header(),
    "fields of the trace state": lambda span: span.context and vars(span.context.trace_state),
    "pickled context": lambda span: pickle.loads(pickle.dumps(span.context)),
    "context as a tuple": lambda span: tuple(span.context or ()),
    **{
        f"field {name}": lambda span, name=name: getattr(span, name)  # type: ignore[misc]
        for name in vars(ReadableSpan("any", resource=Resource({})))
    },
}


@pytest.mark.filterwarnings("ignore:You should use instrumentation_scope:DeprecationWarning")
def test_no_way_to_read_a_span_leads_to_what_it_held(guard: SessionGuard) -> None:
    unguarded = Kept()
    end_a_span(TracerProvider(active_span_processor=unguarded, shutdown_on_exit=False))  # type: ignore[arg-type]
    assert _SECRET in "".join(everything_in(vars(unguarded.spans[0])))
    for way, read in WAYS.items():
        kept = Kept()
        end_a_span(a_provider(guard, kept))
        found = "".join(everything_in(read(kept.spans[0])))
        assert _SECRET not in found, way


def test_a_span_is_redacted_once_by_whoever_reads_it_first(guard: SessionGuard) -> None:
    span = an_unread_span(guard)
    context = span.context
    assert context is not None
    assert (context.trace_id, context.trace_flags & 1) == (1, 1)
    assert (span.kind, span.status.status_code) == (trace.SpanKind.INTERNAL, StatusCode.OK)
    assert (span.end_time or 0) >= (span.start_time or 0) > 0
    assert guard.counters.get("redactions", "span") == 0

    assert dict(context.trace_state) == {"vendor": "[REDACTED]", "other": HARMLESS}
    read = guard.counters.get("redactions", "span")
    assert read >= _PLACES
    assert (span.attributes or {})["note"] == HARMLESS
    assert span.name == copy.copy(span).name == copy.deepcopy(span).name == "call [REDACTED]"
    assert guard.counters.get("redactions", "span") == read


def test_a_clean_span_reads_as_the_sdks_own(guard: SessionGuard) -> None:
    kept, plain = Kept(), InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(plain))
    provider.add_span_processor(GuardedSpanProcessor(guard, kept))
    span = provider.get_tracer("app", "1.0", "https://example.com/schema").start_span("work")
    span.set_attribute("tags", ["a", "b"])
    span.add_event("done", {"n": 1})
    span.end()

    assert kept.spans[0].to_json() == plain.get_finished_spans()[0].to_json()
    assert vars(kept.spans[0]) == vars(plain.get_finished_spans()[0])
    assert isinstance(kept.spans[0], ReadableSpan)


def test_what_became_known_before_it_is_read_is_removed(guard: SessionGuard) -> None:
    kept = Kept()
    a_provider(guard, kept).get_tracer("app").start_span("of blue-heron-4711").end()
    guard.redactor.register("blue-heron-4711")
    assert kept.spans[0].name == "of [REDACTED]"


def test_readers_at_once_get_one_result(guard: SessionGuard) -> None:
    names: list[object] = []

    def redactions_of(readers: int) -> int:
        kept, ready = Kept(), threading.Barrier(readers)
        provider = a_provider(guard, kept)
        for _ in range(40):
            end_a_span(provider)

        def read() -> None:
            ready.wait()
            names.extend((span.name, span.events, span.attributes) for span in kept.spans)

        before = guard.counters.get("redactions", "span")
        threads = [threading.Thread(target=read) for _ in range(readers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return guard.counters.get("redactions", "span") - before

    assert redactions_of(4) == redactions_of(1) > 40
    assert len(names) == 200
    assert _SECRET not in repr(names)


def test_the_raw_span_is_gone_once_it_was_read(guard: SessionGuard) -> None:
    raw: list[weakref.ref[ReadableSpan]] = []

    class Before(GuardedSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            raw.append(weakref.ref(span))
            super().on_end(span)

    kept = Kept()
    end_a_span(TracerProvider(active_span_processor=Before(guard, kept), shutdown_on_exit=False))
    gc.collect()
    assert raw[0]() is not None
    assert kept.spans[0].name == "call [REDACTED]"
    gc.collect()
    assert raw[0]() is None


class Fails(Redactor):
    """Raises what a test says."""

    error: BaseException | None = None

    def scrub(self, value: object, look: Look = DOUBT) -> NoReturn:
        raise self.error or AssertionError("it is not read yet")


def test_what_cannot_be_redacted_when_it_is_read_says_nothing_and_is_counted(guard: SessionGuard) -> None:
    redactor = guard.redactor = Fails()
    redactor.error = RuntimeError("broken")
    kept = Kept()
    provider = a_provider(guard, kept)
    end_a_span(provider)
    end_a_span(provider)
    assert guard.counters.get("exported", "span") == 2

    first = kept.spans[0]
    shown = "".join(everything_in(vars(first)))
    assert _SECRET not in shown
    assert (first.name, first.attributes, first.events, first.links) == (WITHHELD, {}, (), ())
    assert first.context is not None
    assert (first.context.trace_id, len(first.context.trace_state)) == (1, 0)
    assert first.status.status_code is StatusCode.OK
    # Counters never go down: the next one that is exported makes up for it.
    assert outcomes(guard) == {"seen": 3, "exported": 2, "withheld": 1}
    end_a_span(provider)
    assert outcomes(guard) == {"seen": 3, "exported": 2, "withheld": 1}
    assert guard.counters.get("faults", "span") == 1


def outcomes(guard: SessionGuard) -> dict[str, int]:
    return {name: guard.counters.get(name, "span") for name in ("seen", "exported", "withheld")}


def test_an_interrupted_reader_leaves_the_span_to_the_next(guard: SessionGuard) -> None:
    redactor = guard.redactor = Fails()
    redactor.error = KeyboardInterrupt()
    span = an_unread_span(guard)
    with pytest.raises(KeyboardInterrupt):
        _ = span.name
    redactor.error = RuntimeError("broken")
    assert span.name == WITHHELD
    assert outcomes(guard) == {"seen": 1 + 1, "exported": 1, "withheld": 1}


def test_processors_may_read_at_once_and_may_change_what_they_got(guard: SessionGuard) -> None:
    class Renames(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            assert _SECRET not in span.to_json()
            span._name = f"{span.name} of mine"

    class Replaces(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            span._attributes = {"mine": 1}

    exporter = InMemorySpanExporter()
    end_a_span(a_provider(guard, Renames(), SimpleSpanProcessor(exporter)))
    end_a_span(a_provider(guard, Replaces(), SimpleSpanProcessor(exporter)))
    renamed, replaced = exporter.get_finished_spans()
    assert renamed.name == "call [REDACTED] of mine"
    assert (replaced.name, dict(replaced.attributes or {})) == ("call [REDACTED]", {"mine": 1})
    assert guard.counters.get("faults") == 0


def test_records_of_another_class_are_redacted_at_once(guard: SessionGuard) -> None:
    class Foreign(ReadableSpan):
        more = "than the SDK's"

    kept = Kept()
    processor = GuardedSpanProcessor(guard, kept)
    clean = Foreign("work", SpanContext(1, 2, is_remote=False), resource=Resource({}))
    processor.on_end(clean)
    processor.on_end(Foreign(f"call {secret(1)}", SpanContext(1, 3, is_remote=False), resource=Resource({})))
    assert kept.spans[0] is clean
    assert guard.counters.get("redactions", "span") == 1
    assert kept.spans[1].name == "call [REDACTED]"


def test_a_rehearsal_counts_no_redaction_whoever_reads(guard: SessionGuard) -> None:
    kept = Kept()
    provider = a_provider(guard, kept)
    with guard.counters.paused():
        end_a_span(provider)
    assert kept.spans[0].name == "call [REDACTED]"
    assert outcomes(guard) == {"seen": 0, "exported": 0, "withheld": 0}
    assert guard.counters.get("redactions", "span") == 0


def test_an_item_can_be_read_in_a_child_process_while_its_parent_was_reading(guard: SessionGuard) -> None:
    reader: Reader[str] = Reader(
        look=lambda items: [CLEAN] * len(items),
        read=lambda item, _: {"item": item},
        withheld=lambda *_: {},
        generation=lambda: 0,
    )
    unread = reader.unread("text")
    for lock in reader._locks:
        lock.acquire()
    done = threading.Event()

    def read() -> None:
        unread.read()
        done.set()

    reader._start_afresh()  # as in a child, where nobody releases what another thread had locked
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert done.wait(10)
    assert (unread.item, unread.fields) == (None, {"item": "text"})


def test_what_came_together_is_read_as_each_alone_would_be(guard: SessionGuard) -> None:
    kept = Kept()
    tracer = a_provider(guard, kept).get_tracer("app")
    for number in range(200):
        span = tracer.start_span(f"call {number}", attributes={"n": number, "id": f"req-{number}"})
        if number % 50 == 7:
            span.set_attribute("key", secret(number % 100))
        span.end()

    assert [span.name for span in reversed(kept.spans)] == [f"call {number}" for number in range(199, -1, -1)]
    dirty = [number for number, span in enumerate(kept.spans) if "key" in (span.attributes or {})]
    assert dirty == [7, 57, 107, 157]
    assert all((kept.spans[number].attributes or {})["key"] == "[REDACTED]" for number in dirty)
    assert guard.counters.get("redactions", "span") == len(dirty) + 1  # and one in the resource
    assert outcomes(guard) == {"seen": 200, "exported": 200, "withheld": 0}


def test_a_redaction_is_counted_when_its_span_is_read(guard: SessionGuard) -> None:
    kept = Kept()
    tracer = TracerProvider(active_span_processor=GuardedSpanProcessor(guard, kept)).get_tracer("app")
    for number in range(3):
        tracer.start_span(f"call {secret(number)}").end()
    assert kept.spans[1].name == "call [REDACTED]"
    assert guard.counters.get("redactions", "span") == 1
    assert kept.spans[2].name == kept.spans[0].name == "call [REDACTED]"
    assert guard.counters.get("redactions", "span") == 3


def test_what_became_known_after_a_neighbour_was_read_is_removed(guard: SessionGuard) -> None:
    kept = Kept()
    tracer = a_provider(guard, kept).get_tracer("app")
    for number in range(3):
        tracer.start_span(f"{number} of blue-heron-4711").end()
    assert kept.spans[0].name == "0 of blue-heron-4711"
    guard.redactor.register("blue-heron-4711")
    assert kept.spans[1].name == "1 of [REDACTED]"


def test_a_span_that_cannot_be_read_takes_none_of_its_neighbours_along(guard: SessionGuard) -> None:
    class Hostile(Mapping[str, str]):
        def __getitem__(self, key: str) -> str:
            raise KeyError(key)

        def __iter__(self) -> Iterator[str]:
            raise RuntimeError("hostile")

        def __len__(self) -> int:
            return 1

    kept = Kept()
    processor = GuardedSpanProcessor(guard, kept)
    for number, attributes in enumerate([{}, Hostile(), {"key": secret(1)}]):
        context = SpanContext(1, number + 1, is_remote=False)
        processor.on_end(ReadableSpan(f"call {number}", context, attributes=attributes))

    assert [span.name for span in kept.spans] == ["call 0", WITHHELD, "call 2"]
    assert (kept.spans[2].attributes or {})["key"] == "[REDACTED]"
    assert guard.counters.get("withheld", "span") == 1


def test_a_span_that_failed_elsewhere_is_read_later_too(guard: SessionGuard) -> None:
    kept = Kept()
    span: Span = a_provider(guard, kept).get_tracer("app").start_span("job")  # type: ignore[assignment]
    span.set_status(StatusCode.ERROR, f"503 for {secret(1)}")
    span.record_exception(ValueError(secret(2)))
    span.end()
    assert guard.counters.get("redactions", "span") == 0
    assert kept.spans[0].status.description == "503 for [REDACTED]"
    assert outcomes(guard) == {"seen": 1, "exported": 1, "withheld": 0}
