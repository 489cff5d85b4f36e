"""The same spans and log records, decided alike by the Python filter and by the Collector's conditions.

The conditions are taken out of the YAML and evaluated by `ottl_reading`: our reading of OTTL, no Collector.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import yaml
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode

from otel import GuardedLogRecordProcessor, GuardedSpanProcessor
from sentry_filters import Policy, SessionGuard
from sentry_filters.evidence import conventions, wire_text
from sentry_filters.targets import collector_config
from tests.targets.cases import (
    ADDRESS,
    AGENT,
    CHAT,
    HOST,
    LAYER,
    LOGS,
    NO_CODES,
    OURS,
    POLICY,
    SPANS,
    TAGS,
    VETOED,
    LogCase,
    SpanCase,
    http,
    without,
)
from tests.targets.collector.ottl_reading import ENUMS, Record, UnknownSyntaxError, holds

_KINDS = {kind: ENUMS[f"SPAN_KIND_{kind.name}"] for kind in SpanKind}


@cache
def filters(policy: Policy) -> dict[str, Any]:
    """The filter processor as a Collector reads it: `$$` is a dollar."""
    text = collector_config(policy).text
    found: dict[str, Any] = yaml.safe_load(text.replace("$$", "$"))["processors"].get(
        "filter/session_expired", {}
    )
    return found


def drops_span(policy: Policy, case: SpanCase) -> bool:
    record = Record(
        case.attributes,
        {
            "kind": _KINDS[case.kind],
            "status.code": ENUMS["STATUS_CODE_ERROR"],
            "status.message": case.message,
        },
    )
    return any(holds(condition, record) for condition in filters(policy).get("traces", {"span": ()})["span"])


def drops_log(policy: Policy, case: LogCase) -> bool:
    record = Record(case.attributes, {"body": case.body})
    return any(
        holds(condition, record)
        for condition in filters(policy).get("logs", {"log_record": ()})["log_record"]
    )


def python_drops_span(guard: SessionGuard, case: SpanCase) -> bool:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        active_span_processor=GuardedSpanProcessor(guard, SimpleSpanProcessor(exporter)),
        shutdown_on_exit=False,
    )
    span = provider.get_tracer("t").start_span("s", kind=case.kind, attributes=dict(case.attributes))
    span.set_status(Status(StatusCode.ERROR, case.message or None))
    span.end()
    provider.shutdown()
    return not exporter.get_finished_spans()


def python_drops_log(guard: SessionGuard, case: LogCase) -> bool:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(
        multi_log_record_processor=GuardedLogRecordProcessor(guard, SimpleLogRecordProcessor(exporter)),
        shutdown_on_exit=False,
    )
    record = LogRecord(body=case.body, attributes=dict(case.attributes), severity_number=SeverityNumber.ERROR)
    provider.get_logger("t").emit(record)
    provider.shutdown()
    return not exporter.get_finished_logs()


def learn_of_the_end(guard: SessionGuard) -> None:
    """Let the guard know that the session is dead."""
    assert python_drops_log(guard, LogCase("the session's end", "statement", "chat failed", TAGS))


@contextmanager
def guarding(policy: Policy) -> Iterator[SessionGuard]:
    guard = SessionGuard(policy, lambda _: None)
    try:
        yield guard
    finally:
        guard.close()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in SPANS])
def test_a_span_is_decided_alike(case: SpanCase) -> None:
    with guarding(POLICY) as guard:
        assert python_drops_span(guard, case) is (case.due == "statement")
        learn_of_the_end(guard)
        assert python_drops_span(guard, case) is (case.due != "keep")
    assert drops_span(POLICY, case) is (case.due == "statement")


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in SPANS])
def test_without_codes_a_span_is_decided_alike(case: SpanCase) -> None:
    drops = case.due in ("fact", "statement")

    assert drops_span(NO_CODES, case) is drops
    if case.due != "words":
        with guarding(NO_CODES) as guard:
            assert python_drops_span(guard, case) is drops


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in LOGS])
def test_a_log_record_is_decided_alike(case: LogCase) -> None:
    with guarding(POLICY) as guard:
        assert python_drops_log(guard, case) is (case.due == "statement")
        learn_of_the_end(guard)
        assert python_drops_log(guard, case) is (case.due != "keep")
    assert drops_log(POLICY, case) is (case.due == "statement")


@pytest.mark.parametrize("body", VETOED)
@pytest.mark.parametrize("tags", [pytest.param(TAGS, id="tags"), pytest.param(LAYER, id="wire text")])
def test_a_code_keeps_in_any_spelling(body: str, tags: dict[str, str]) -> None:
    span = SpanCase("", "keep", tags, f"{OURS}: {body}")
    log = LogCase("", "keep", span.message, tags)

    with guarding(POLICY) as guard:
        learn_of_the_end(guard)
        assert not python_drops_span(guard, span)
        assert not python_drops_log(guard, log)
    assert not drops_span(POLICY, span)
    assert not drops_log(POLICY, log)


# What the head of the file says of the Collector: it keeps what the Python filter drops on the record alone.
STRICTER = (
    SpanCase("two statements, both ours", "statement", TAGS, f"{OURS}; again: {OURS}"),
    SpanCase("a statement in the body of ours", "statement", LAYER, f'{OURS}: {{"m": "x API error (500)"}}'),
    SpanCase("a code's name in prose", "statement", LAYER, f"{OURS}: no invalid_api_key here"),
    SpanCase("a list as the body", "statement", LAYER, f"{OURS}: [1]"),
    SpanCase("three levels of JSON", "statement", LAYER, f'{OURS}: {{"a": {{"b": {{}}}}}}'),
    SpanCase("a long text of JSON", "statement", LAYER, f'{OURS}: {{"a": "{"x" * 4000}"}}'),
    SpanCase("an outer layer's call", "statement", {**CHAT, **AGENT}, OURS),
    SpanCase("an empty operation tag", "statement", without(TAGS, operation=""), OURS),
    SpanCase("an HTTP status that is none", "statement", {**TAGS, "http.status_code": "error"}),
    SpanCase("an HTTP status beside the tags", "statement", {**TAGS, "http.status_code": 401}),
    SpanCase("the tags on the call itself, whose body nobody read", "statement", http(**TAGS)),
    SpanCase("an empty provider tag", "fact", http(provider="")),
    SpanCase("a status tag that is none", "fact", http(status="error")),
    SpanCase("an outer layer's operation", "fact", http(domain="agent", operation="run")),
    SpanCase("warm-up owns no path", "fact", http(f"https://{HOST}/v1/models", operation="warmup")),
    SpanCase("words of others, but our own host", "fact", http(), "OpenRouter API error (500)"),
    SpanCase("a URL that is none, beside one", "fact", {**ADDRESS, "url": "", "server.address": HOST}),
    SpanCase("a backslash before the host", "fact", http(f"https://x\\y@{HOST}/v1/chat/completions")),
)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in STRICTER])
def test_the_collector_is_stricter_where_its_head_says_so(case: SpanCase) -> None:
    policy = NO_CODES if case.due == "fact" else POLICY

    with guarding(policy) as guard:
        assert python_drops_span(guard, case)
    assert not drops_span(policy, case)


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(replace(NO_CODES, publish_on="confirmed"), id="statements corroborate only"),
        pytest.param(replace(NO_CODES, scope="session"), id="a record names no session"),
    ],
)
def test_what_only_corroborates_is_not_dropped(policy: Policy) -> None:
    facts = policy.scope == "process"

    for span in SPANS:
        assert drops_span(policy, span) is (facts and span.due == "fact")
    assert not any(drops_log(policy, log) for log in LOGS)
    assert [
        remark
        for remark in collector_config(policy).remarks
        if "no log record" in remark or "span or log" in remark
    ]
    for case in SPANS[0], LOGS[0]:
        with guarding(policy) as guard:
            dropped = (
                python_drops_span(guard, case)
                if isinstance(case, SpanCase)
                else python_drops_log(guard, case)
            )
        assert dropped is (facts and case.due == "fact")


def test_names_that_the_processors_know_as_well_are_the_same() -> None:
    """The targets may not import the OpenTelemetry edge, nor an SDK: some names stand in both."""
    spans = " ".join(filters(NO_CODES)["traces"]["span"])
    known = [*conventions.HTTP_STATUS, *conventions.URL, *conventions.PATH, *conventions.HTTP_METHOD]
    known += [name for pair in conventions.HOST_AND_PORT for name in pair]

    assert [name for name in [*known, conventions.SENTRY_OP] if f'attributes["{name}"]' not in spans] == []
    assert [form for form in wire_text._FORMS if form.replace("(", "\\\\(") not in spans] == []


def test_a_demoting_policy_drops_no_span() -> None:
    policy = Policy(provider="OpenHuman", span_action="demote")

    assert "traces" not in filters(policy)
    assert "demote" in " ".join(collector_config(policy).remarks)
    assert (
        "filter/session_expired"
        not in yaml.safe_load(collector_config(policy).text)["service"]["pipelines"]["traces"]["processors"]
    )


def test_the_longest_path_wins() -> None:
    paths = {"/legacy/chat/completions": None, "/v2/legacy/chat/completions": "chat", "/embeddings": None}
    policy = replace(NO_CODES, paths=paths)
    due = {"/chat/completions": True, "/x/embeddings": False, "/v1/legacy/chat/completions": False} | {
        path: operation is not None for path, operation in paths.items()
    }
    spans = {path: SpanCase("", "fact", http(f"https://{HOST}{path}")) for path in due}

    assert {path: drops_span(policy, span) for path, span in spans.items()} == due
    for path, span in spans.items():
        with guarding(policy) as guard:
            assert python_drops_span(guard, span) is due[path]


def test_without_hosts_a_statement_is_needed() -> None:
    policy = Policy(provider="OpenHuman", not_session_codes=())

    assert not drops_span(policy, SPANS[0])
    assert not drops_span(policy, replace(SPANS[0], attributes=http(provider="OpenHuman")))
    assert drops_span(policy, SpanCase("", "statement", {**CHAT, **TAGS, "server.address": "a.example"}))


def test_without_codes_there_is_no_veto() -> None:
    log = LogCase("", "statement", f'{OURS}: {{"code": "invalid_api_key"}}', LAYER)

    assert drops_log(NO_CODES, log)
    with guarding(NO_CODES) as guard:
        assert python_drops_log(guard, log)


@pytest.mark.parametrize(
    "label", ['A "B"', "A\\B", "A$B", "A+B (C)", "Ünï", "it's: {x}", "A\n B", "A\u2028B", "\U0001f600"]
)
def test_any_label_is_written_exactly(label: str) -> None:
    policy = Policy(provider=label)

    assert drops_log(policy, LogCase("", "statement", f"x: {label} API error (401)", LAYER))
    assert not drops_log(policy, LogCase("", "keep", f"x: {label}x API error (401)", LAYER))


@pytest.mark.parametrize("label", ["A: B", "A streaming"])
def test_a_label_that_reads_as_part_of_the_form_is_never_found(label: str) -> None:
    policy = Policy(provider=label)
    log = LogCase("", "words", f"{label} API error (401)", LAYER)

    assert not drops_log(policy, log)
    assert drops_log(policy, LogCase("", "statement", "chat failed", without(TAGS, provider=label)))
    with guarding(policy) as guard:
        assert not python_drops_log(guard, log)


def test_a_look_alike_is_another_host() -> None:
    policy = replace(NO_CODES, hosts={"kiosk.example"})
    url = "https://{}iosk.example/v1/chat/completions"

    assert drops_span(policy, SpanCase("", "fact", http(url.format("K"))))
    assert not drops_span(policy, SpanCase("", "keep", http(url.format("\N{KELVIN SIGN}"))))


@pytest.mark.parametrize(
    "condition", ["1 < 2", "attributes", "Foo(body)", 'name == "x"', "true true", "not", 'body == "']
)
def test_the_reading_refuses_what_it_does_not_know(condition: str) -> None:
    with pytest.raises((UnknownSyntaxError, IndexError)):
        holds(condition, Record({}))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("true or false and false", True),
        ("not true or true", True),
        ("not (true or true)", False),
        ('attributes["a"] == nil', True),
        ('attributes["n"] == "1"', False),
        ('IsMatch(attributes["n"], "^1$")', True),
        ('IsMatch(attributes["a"], "")', False),
        ('IsMap(body) and IsMatch(body["message"], "x")', True),
        ('IsString(body) and IsMatch(body["message"], "x")', False),
    ],
)
def test_the_reading_follows_the_documentation(condition: str, expected: bool) -> None:
    assert holds(condition, Record({"n": 1}, {"body": {"message": "x"}})) is expected
