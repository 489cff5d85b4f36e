"""The same spans and log records, decided alike by the Python filter and by the Collector's conditions.

The conditions are taken out of the YAML and evaluated by `ottl_reading`: our reading of OTTL, no Collector.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
from tests.targets.cases import CHAT, HOST, LOGS, OURS, POLICY, SPANS, LogCase, SpanCase, http
from tests.targets.collector.ottl_reading import ENUMS, Record, UnknownSyntaxError, holds

_KINDS = {kind: ENUMS[f"SPAN_KIND_{kind.name}"] for kind in SpanKind}


@cache
def filters(policy: Policy) -> dict[str, Any]:
    """The filter processor as a Collector reads it: `$$` is a dollar."""
    text = collector_config(policy).text
    found: dict[str, Any] = yaml.safe_load(text.replace("$$", "$"))["processors"]["filter/session_expired"]
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
    return any(holds(condition, record) for condition in filters(policy)["traces"]["span"])


def drops_log(policy: Policy, case: LogCase) -> bool:
    record = Record(case.attributes, {"body": case.body})
    return any(holds(condition, record) for condition in filters(policy)["logs"]["log_record"])


@pytest.fixture
def guard() -> Iterator[SessionGuard]:
    guard = SessionGuard(POLICY, lambda _: None)
    yield guard
    guard.close()


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


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in SPANS])
def test_a_span_is_decided_alike(case: SpanCase, guard: SessionGuard) -> None:
    assert python_drops_span(guard, case) is case.drops
    assert drops_span(POLICY, case) is case.drops


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in LOGS])
def test_a_log_record_is_decided_alike(case: LogCase, guard: SessionGuard) -> None:
    assert python_drops_log(guard, case) is case.drops
    assert drops_log(POLICY, case) is case.drops


# What the head of the file says of the Collector: it keeps what the Python filter knows to be ours.
STRICTER = (
    SpanCase("two statements, both ours", True, CHAT, f"{OURS}; again: {OURS}"),
    SpanCase("a statement in the body of ours", True, CHAT, f'{OURS}: {{"m": "x API error (500)"}}'),
    SpanCase("a code's name in prose", True, CHAT, f"{OURS}: no invalid_api_key here"),
    SpanCase("an empty provider tag", True, http(provider="")),
    SpanCase(
        "a URL that is none, beside one", True, http("", 401, http__url=f"https://{HOST}/v1/responses"), OURS
    ),
    SpanCase("an HTTP status that is none", True, {**CHAT, "http.status_code": "error"}, OURS),
    SpanCase("a backslash before the host", True, http(f"https://x\\y@{HOST}/v1/chat/completions")),
)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in STRICTER])
def test_the_collector_is_stricter_where_its_head_says_so(case: SpanCase, guard: SessionGuard) -> None:
    assert python_drops_span(guard, case)
    assert not drops_span(POLICY, case)


def test_names_that_the_processors_know_as_well_are_the_same() -> None:
    """The targets may not import the OpenTelemetry edge, nor an SDK: some names stand in both."""
    spans = " ".join(filters(POLICY)["traces"]["span"])
    known = [*conventions.HTTP_STATUS, *conventions.URL, *conventions.PATH, *conventions.HTTP_METHOD]
    known += [name for pair in conventions.HOST_AND_PORT for name in pair]
    known += [conventions.GEN_AI_OPERATION, conventions.REQUEST_MODEL, conventions.OPENINFERENCE_KIND]
    known += [conventions.OPENLLMETRY_REQUEST, conventions.OPENLLMETRY_KIND, conventions.SENTRY_OP]

    assert [name for name in known if f'attributes["{name}"]' not in spans] == []
    requests = set(re.findall(r'attributes\["gen_ai.operation.name"\] == "(\w+)"', spans))
    assert requests == set(conventions.MODEL_REQUESTS)
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
    paths = {"/completions": "chat", "/legacy/completions": "completion", "/v2/legacy/completions": "chat"}
    policy = Policy(provider="OpenHuman", hosts={HOST}, paths=paths)

    judged = {path: drops_span(policy, SpanCase("", True, http(f"https://{HOST}{path}"))) for path in paths}

    assert judged == {"/completions": True, "/legacy/completions": False, "/v2/legacy/completions": True}


def test_without_hosts_a_name_is_needed() -> None:
    policy = Policy(provider="OpenHuman")

    assert not drops_span(policy, SPANS[0])
    assert drops_span(policy, replace(SPANS[0], attributes=http(provider="OpenHuman")))


def test_without_codes_there_is_no_veto() -> None:
    policy = Policy(provider="OpenHuman", not_session_codes=())

    assert drops_log(policy, LogCase("", True, f'{OURS}: {{"code": "invalid_api_key"}}'))


@pytest.mark.parametrize(
    "label", ['A "B"', "A\\B", "A$B", "A+B (C)", "Ünï", "it's: {x}", "A\n B", "A\u2028B", "\U0001f600"]
)
def test_any_label_is_written_exactly(label: str) -> None:
    policy = Policy(provider=label)

    assert drops_log(policy, LogCase("", True, f"x {label} API error (401)"))
    assert not drops_log(policy, LogCase("", False, f"x {label}x API error (401)"))


def test_a_look_alike_is_another_host() -> None:
    policy = Policy(provider="OpenHuman", hosts={"kiosk.example"})
    url = "https://{}iosk.example/v1/chat/completions"

    assert drops_span(policy, SpanCase("", True, http(url.format("K"))))
    assert not drops_span(policy, SpanCase("", False, http(url.format("\N{KELVIN SIGN}"))))


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
