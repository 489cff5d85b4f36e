"""The short cuts of healthy spans and log records never let by what the careful way would redact."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, TraceState

from otel import RedactingLogRecordExporter
from otel.redaction.cleaner import Cleaner
from otel.redaction.sdk_records import readable_record
from sentry_filters import Redactor
from tests.otel.canary import secret

_KEYS = [
    "gen_ai.request.model",
    "password",
    "name",
    "value",
    "http.request.header.authorization",
    "session.id",
    "n",
]
_TEXTS = [
    "gpt-4o",
    "password",
    "hunter2-x9!",
    "Authorization",
    "Bearer",
    secret(1),
    secret(2)[:20],
    "",
    "812",
    "key:",
]
_SEQUENCES = st.lists(st.sampled_from(_TEXTS), max_size=5).map(tuple)
_VALUES = st.one_of(st.sampled_from(_TEXTS), st.integers(), st.booleans(), _SEQUENCES)
_RESOURCE = Resource({})
_REDACTOR = Redactor()


def a_span(name: str, attributes: dict[str, object]) -> ReadableSpan:
    context = SpanContext(1, 2, is_remote=False)
    return ReadableSpan(name, context, resource=_RESOURCE, attributes=attributes)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(_TEXTS), st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=4))
def test_clean_by_the_short_cut_is_clean_by_the_redactor(name: str, attributes: dict[str, object]) -> None:
    cleaner = Cleaner(_REDACTOR)
    span = a_span(name, attributes)
    for _ in range(2):  # the second time, keys and texts are remembered
        if cleaner.are_clean_spans([span]):
            assert _REDACTOR.redact(name) == name
            assert _REDACTOR.redact_value(attributes) == attributes


_ATTRIBUTES = st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=3)
_STATES = st.lists(st.tuples(st.sampled_from(["vendor", "dd", "key"]), st.sampled_from(_TEXTS)), max_size=2)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(_TEXTS), _ATTRIBUTES, _ATTRIBUTES, _STATES)
def test_events_links_and_states_that_are_clean_by_the_short_cut_are_clean_by_the_redactor(
    name: str, of_event: dict[str, object], of_link: dict[str, object], entries: list[tuple[str, str]]
) -> None:
    context = SpanContext(1, 2, is_remote=False, trace_state=TraceState(entries))
    event, link = Event(name, of_event), Link(context, of_link)  # type: ignore[arg-type]
    span = ReadableSpan("call", context, resource=_RESOURCE, events=[event], links=[link])
    cleaner = Cleaner(_REDACTOR)
    for _ in range(2):
        if cleaner.are_clean_spans([span]):
            assert _REDACTOR.redact(name) == name
            for attributes in (of_event, of_link, dict(context.trace_state)):
                assert _REDACTOR.redact_value(attributes) == attributes
        else:
            assert cleaner.span(span) is span or "[REDACTED]" in cleaner.span(span).to_json()


def a_record(body: object, severity_text: str, attributes: dict[str, object]) -> ReadWriteLogRecord:
    log = LogRecord(body=body, severity_text=severity_text, attributes=attributes)  # type: ignore[call-overload]
    return ReadWriteLogRecord(log_record=log, resource=_RESOURCE)


_BODIES = st.one_of(_VALUES, st.none(), st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=3))


@settings(deadline=None, max_examples=300)
@given(_BODIES, st.sampled_from(_TEXTS), st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=4))
def test_a_record_that_is_clean_by_the_short_cut_is_clean_by_the_redactor(
    body: object, severity_text: str, attributes: dict[str, object]
) -> None:
    cleaner = Cleaner(_REDACTOR)
    record = a_record(body, severity_text, attributes)
    for _ in range(2):
        if cleaner.are_clean_records([record]):
            assert _REDACTOR.redact(severity_text) == severity_text
            assert _REDACTOR.redact_value(body) == body
            assert _REDACTOR.redact_value(attributes) == attributes


def test_a_batch_of_records_is_exported_as_each_alone_would_be() -> None:
    got = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    exporter = RedactingLogRecordExporter(got, _REDACTOR)
    texts = ["gpt-4o", f"Bearer {secret(1)}", "done"]
    batch = [readable_record(a_record(text, "INFO", {"n": 1})) for text in texts]

    exporter.export([batch[0], batch[2]])
    exporter.export(batch)

    kept = got.get_finished_logs()
    assert all(one is other for one, other in zip(kept[:3], [batch[0], batch[2], batch[0]], strict=True))
    assert secret(1) not in str(kept[3].log_record.body)
    assert kept[4] is batch[2]


def test_a_text_that_was_clean_is_looked_at_again_when_a_credential_becomes_known() -> None:
    redactor = Redactor()
    cleaner = Cleaner(redactor)
    span = a_span("call", {"gen_ai.response.id": "blue-heron-4711"})
    assert cleaner.span(span) is span
    redactor.register("blue-heron-4711")
    assert (cleaner.span(span).attributes or {})["gen_ai.response.id"] == "[REDACTED]"


def test_what_was_clean_is_looked_at_again_in_every_place() -> None:
    words = {"note": "blue-heron-4711"}
    redactor = Redactor()
    cleaner = Cleaner(redactor)
    plain = a_span("call", dict(words))
    full = ReadableSpan(
        "call",
        SpanContext(1, 2, is_remote=False),
        resource=Resource(dict(words)),
        attributes=dict(words),
        events=[Event("said", dict(words))],
        links=[Link(SpanContext(3, 4, is_remote=False), dict(words))],
    )
    assert cleaner.span(plain) is plain
    assert cleaner.span(full) is full
    redactor.register("blue-heron-4711")

    assert "blue-heron" not in cleaner.span(full).to_json()
    assert "blue-heron" not in cleaner.span(plain).to_json()
