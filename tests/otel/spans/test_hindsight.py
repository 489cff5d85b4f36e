"""Spans wait for what can still be told about their call; each leaves once, or is dropped."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
import sentry_sdk
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context, use_span

from otel import GuardedSpanProcessor
from otel.evidence import NOTHING_FAILED, ChildFailure, lineage_of
from otel.spans import GuardedSpans
from otel.waiting import WaitingRoom
from sentry_filters import Policy, SessionExpired, SessionGuard
from tests.conftest import InitSentry
from tests.otel.conftest import Logs, Traces
from tests.otel.instrumented import instrumented
from tests.support.backend import LLMBackend
from tests.support.clients import OPENAI_HTTP
from tests.support.receiver import SentryReceiver

USERS_KEY = '{"error":{"message":"no such key","code":"invalid_api_key"}}'
OURS = "Error code: 401 - {'error': 'Invalid token'}"
MESSAGES: Any = [{"role": "user", "content": "hello"}]


def outcomes(guard: SessionGuard) -> dict[str, int]:
    return {
        name: guard.counters.get(name, "span")
        for name in ("seen", "exported", "dropped", "demoted", "withheld")
        if guard.counters.get(name, "span")
    }


@contextlib.contextmanager
def http_span(traces: Traces, address: str, status: int = 401) -> Iterator[Span]:
    attributes = {"http.method": "POST", "http.url": f"http://{address}/v1/chat/completions"}
    with traces.tracer.start_as_current_span("POST", kind=SpanKind.CLIENT, attributes=attributes) as span:
        yield span
        span.set_attribute("http.status_code", status)
        if status >= 400:
            span.set_status(Status(StatusCode.ERROR))


def call(guard: SessionGuard, url: str, *, guarded: bool) -> None:
    """A call whose response object is gone before the spans around it end."""
    with OPENAI_HTTP.Client() as client:
        if guarded:
            guard.instrument(client)
        sdk = openai.OpenAI(base_url=url, api_key="session-a", http_client=client, max_retries=0)
        try:
            sdk.chat.completions.create(model="m", messages=MESSAGES)
        except openai.AuthenticationError as error:
            sentry_sdk.capture_exception(error)
    gc.collect()


@pytest.mark.integration
@pytest.mark.parametrize("guarded", [True, False], ids=["instrumented", "other"])
@pytest.mark.parametrize("names", [("httpx",), ("httpx", "openai"), ("httpx", "openinference")])
def test_a_users_own_key_keeps_the_event_and_the_spans_of_its_call(
    names: tuple[str, ...],
    guarded: bool,
    traces: Traces,
    guard: SessionGuard,
    backend: LLMBackend,
    receiver: SentryReceiver,
    sentry: InitSentry,
    expired: list[SessionExpired],
) -> None:
    backend.state.body = USERS_KEY
    sentry(**guard.sentry_options(dsn=receiver.dsn))
    with instrumented(traces.provider, *names), traces.tracer.start_as_current_span("turn"):
        call(guard, backend.url, guarded=guarded)
    sentry_sdk.flush()
    guard.bus.flush()
    assert (expired, guard.gate.is_open) == ([], True)
    assert len(receiver.events) == 1
    assert traces.exported[0].name == "POST"
    assert len(traces.exported) == len(names) + 1
    assert outcomes(guard) == {"seen": len(names) + 1, "exported": len(names) + 1}


@pytest.mark.parametrize("tells", ["the call", "the work", "a span beside it", "nothing"])
@pytest.mark.parametrize("body", ["{'error': 'Invalid token'}", "{'error': {'code': 'invalid_api_key'}}"])
def test_whoever_quotes_the_body_tells_what_it_said(
    body: str, tells: str, traces: Traces, guard: SessionGuard, backend: LLMBackend
) -> None:
    text = f"Error code: 401 - {body}"
    attributes = {"gen_ai.operation.name": "chat"} if tells == "the call" else {}
    with traces.tracer.start_as_current_span("root"):
        with (
            contextlib.suppress(RuntimeError),
            traces.tracer.start_as_current_span("above", attributes=attributes),
        ):
            with http_span(traces, backend.address):
                pass
            if tells == "a span beside it":
                with contextlib.suppress(RuntimeError), traces.tracer.start_as_current_span("beside"):
                    raise RuntimeError(text)
            if tells in ("the call", "the work"):
                raise RuntimeError(text)
    told_expiry = tells != "nothing" and "Invalid" in body
    assert ("POST" in [span.name for span in traces.exported]) is not told_expiry
    assert guard.gate.is_open is not told_expiry


def test_nothing_is_decided_before_the_local_root_ends(
    traces: Traces, guard: SessionGuard, backend: LLMBackend
) -> None:
    with traces.tracer.start_as_current_span("root"):
        with traces.tracer.start_as_current_span("above"):
            with http_span(traces, backend.address):
                pass
        assert (traces.exported, outcomes(guard)) == ([], {})
    assert [span.name for span in traces.exported] == ["POST", "above", "root"]
    assert guard.counters.get("decisions", "span", "keep", "uncorroborated") == 1


def test_words_are_dropped_while_the_session_is_known_to_be_dead(
    traces: Traces, guard: SessionGuard, backend: LLMBackend
) -> None:
    guard.report("failed", operation="chat_completions", provider="OpenHuman", status=401)
    with traces.tracer.start_as_current_span("root"), http_span(traces, backend.address):
        pass
    assert [span.name for span in traces.exported] == ["root"]


@pytest.mark.parametrize("way", ["force_flush", "shutdown"])
def test_a_flush_lets_all_leave_that_waits(
    way: str, traces: Traces, guard: SessionGuard, backend: LLMBackend
) -> None:
    with traces.tracer.start_as_current_span("root"):
        with http_span(traces, backend.address):
            pass
        getattr(traces.provider, way)()
        assert [span.name for span in traces.exported] == ["POST"]
    assert outcomes(guard)["seen"] == outcomes(guard)["exported"]


def pipeline(guard: SessionGuard, room: WaitingRoom[Any]) -> tuple[TracerProvider, list[ReadableSpan]]:
    """A provider that hands what ends to spans with a waiting room of the test's."""
    spans, left = GuardedSpans(guard, room), list[ReadableSpan]()

    class Processor(SimpleSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            left.extend(spans.kept(span))

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Processor(InMemorySpanExporter()))
    return provider, left


@pytest.mark.parametrize(("size", "seconds"), [(3, 30.0), (1_000, 0.0)], ids=["room", "time"])
def test_what_there_is_no_room_or_time_for_leaves(
    size: int, seconds: float, guard: SessionGuard, backend: LLMBackend
) -> None:
    provider, left = pipeline(guard, WaitingRoom(size, seconds))
    traces = Traces(provider, InMemorySpanExporter())
    parents = [traces.tracer.start_span(f"{number}") for number in range(20)]
    for parent in parents:
        context = set_span_in_context(parent)
        traces.tracer.start_span(
            "POST",
            context,
            SpanKind.CLIENT,
            {"http.url": f"http://{backend.address}/v1/chat/completions", "http.status_code": 401},
        ).end()
    with traces.tracer.start_as_current_span("healthy"):
        pass
    waiting = min(size, 20) if seconds else 0
    assert len([span for span in left if span.name == "POST"]) >= 20 - waiting - 1
    assert "healthy" in [span.name for span in left]
    for parent in parents:
        parent.end()
    assert sorted(span.name for span in left) == sorted(["POST"] * 20 + ["healthy", *map(str, range(20))])
    assert outcomes(guard) == {"seen": 41, "exported": 41}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform cannot fork")
def test_a_forked_child_exports_nothing_that_waited_in_its_parent(
    traces: Traces, guard: SessionGuard, backend: LLMBackend
) -> None:
    with traces.tracer.start_as_current_span("root"):
        with http_span(traces, backend.address):
            pass
        child = os.fork()
        if child == 0:
            traces.provider.force_flush()
            os._exit(len(traces.exported))
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert [span.name for span in traces.exported] == ["POST", "root"]


class Interrupts(SimpleSpanProcessor):
    """Interrupts the first export, as Ctrl-C may."""

    def on_end(self, span: ReadableSpan) -> None:
        if not self.span_exporter.get_finished_spans():  # type: ignore[attr-defined] # in memory
            super().on_end(span)
            raise KeyboardInterrupt
        super().on_end(span)


def test_an_interrupt_loses_nothing_that_was_about_to_leave(guard: SessionGuard, backend: LLMBackend) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard), shutdown_on_exit=False)
    provider.add_span_processor(Interrupts(exporter))
    traces = Traces(provider, exporter)
    root = traces.tracer.start_span("root")
    with use_span(root):
        for _ in range(3):
            with http_span(traces, backend.address):
                pass
    with pytest.raises(KeyboardInterrupt):
        root.end()
    provider.force_flush()
    assert sorted(span.name for span in exporter.get_finished_spans()) == ["POST", "POST", "POST", "root"]
    assert outcomes(guard) == {"seen": 4, "exported": 4}


def test_failures_of_one_trace_cost_no_other(
    traces: Traces, guard: SessionGuard, backend: LLMBackend
) -> None:
    with contextlib.suppress(RuntimeError), traces.tracer.start_as_current_span("turn"):
        with http_span(traces, backend.address):
            pass
        raise RuntimeError(OURS)
    with traces.tracer.start_as_current_span("other") as other:
        context = other.get_span_context()
        assert lineage_of(guard).child_failure(context.trace_id, context.span_id) is NOTHING_FAILED
    (ended,) = [span for span in traces.exported if span.name == "turn"]
    assert ended.context is not None
    assert lineage_of(guard).child_failure(ended.context.trace_id, ended.context.span_id).failure
    assert not guard.gate.is_open


def test_the_memory_of_what_failed_is_bounded(guard: SessionGuard) -> None:
    lineage = lineage_of(guard)
    for number in range(1, 20_001):
        lineage.add(number, number, ChildFailure(other_failed=True))
    known = [number for number in range(1, 20_001) if lineage.child_failure(number, number).other_failed]
    assert known == list(range(10_001, 20_001))


@pytest.mark.parametrize("opt_in", ["exception", "attributes", "gen_ai"])
@pytest.mark.parametrize("body", ["{'error': 'Invalid token'}", "{'error': {'code': 'invalid_api_key'}}"])
def test_exceptions_as_log_records_are_judged_like_the_events_they_replace(
    body: str, opt_in: str, traces: Traces, logs: Logs, guard: SessionGuard, backend: LLMBackend
) -> None:
    text = f"Error code: 401 - {body}"
    logger = logs.provider.get_logger("instrumentation")
    with (
        contextlib.suppress(RuntimeError),
        traces.tracer.start_as_current_span(
            "chat", attributes={"gen_ai.operation.name": "chat"}, record_exception=False
        ),
    ):
        with http_span(traces, backend.address):
            pass
        attributes = {"exception.type": "openai.AuthenticationError", "exception.message": text}
        if opt_in == "exception":
            logger.emit(exception=RuntimeError(text))
        elif opt_in == "attributes":
            logger.emit(attributes=attributes)
        else:
            logger.emit(event_name="gen_ai.client.operation.exception", attributes=attributes)
        assert logs.exporter.get_finished_logs() == ()
        raise RuntimeError(text)
    is_expiry = "Invalid" in body
    assert len(logs.exporter.get_finished_logs()) == (0 if is_expiry else 1)
    assert len(traces.exported) == (0 if is_expiry else 2)
    assert guard.gate.is_open is not is_expiry
    assert guard.counters.get("seen", "log") == 1


@pytest.mark.parametrize("way", ["force_flush", "shutdown"])
def test_a_log_record_that_waits_leaves_with_a_flush(
    way: str, traces: Traces, logs: Logs, backend: LLMBackend
) -> None:
    with traces.tracer.start_as_current_span("root"):
        with http_span(traces, backend.address):
            pass
        logs.provider.get_logger("app").emit(body="the server said 401")
        assert logs.exporter.get_finished_logs() == ()
        getattr(logs.provider, way)()
        assert len(logs.exporter.get_finished_logs()) == 1


def quote_in_a_database(traces: Traces, message: str) -> None:
    attributes = {"db.system.name": "postgresql", "db.query.text": "INSERT INTO messages VALUES (%s)"}
    with traces.tracer.start_as_current_span("INSERT", kind=SpanKind.CLIENT, attributes=attributes):
        raise ValueError(message)


def quote_at_work(traces: Traces, message: str) -> None:
    with traces.tracer.start_as_current_span("parse"):
        raise ValueError(message)


@pytest.mark.parametrize("quote", [quote_in_a_database, quote_at_work])
@pytest.mark.parametrize("template", ["(7, '{}')", "cannot parse user message: '{}'", "{}"])
def test_text_that_quotes_the_wire_form_keeps_its_error(
    template: str, quote: Callable[[Traces, str], None], traces: Traces, guard: SessionGuard
) -> None:
    message = template.format("OpenHuman API error (401 Unauthorized): Invalid token")
    with contextlib.suppress(ValueError):
        quote(traces, message)
    (span,) = traces.exported
    assert span.status.status_code is StatusCode.ERROR
    assert guard.gate.is_open


@pytest.mark.parametrize("is_dead", [True, False])
def test_a_databases_error_stays_while_the_session_is_dead(
    is_dead: bool, traces: Traces, guard: SessionGuard
) -> None:
    if is_dead:
        guard.report("failed", operation="chat_completions", provider="OpenHuman", status=401)
    with contextlib.suppress(ValueError):
        quote_in_a_database(traces, "OpenHuman API error (401 Unauthorized): Invalid token")
    assert traces.one("INSERT").status.status_code is StatusCode.ERROR


def test_wire_text_under_a_domain_states_the_failure(traces: Traces, guard: SessionGuard) -> None:
    with (
        contextlib.suppress(RuntimeError),
        traces.tracer.start_as_current_span("turn", attributes={"domain": "agent"}),
    ):
        raise RuntimeError('OpenHuman API error (401 Unauthorized): {"error":"Invalid token"}')
    assert traces.one("turn").status.status_code is StatusCode.UNSET
    assert not guard.gate.is_open


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_third_partys_call_beside_ours_is_never_dropped(
    order: str, traces: Traces, guard: SessionGuard, backend: LLMBackend
) -> None:
    addresses = [backend.address, "api.other.example"]
    if order == "before":
        addresses.reverse()
    with (
        contextlib.suppress(RuntimeError),
        traces.tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}),
    ):
        for address in addresses:
            with http_span(traces, address):
                pass
        raise RuntimeError("Error code: 401 - {'error': 'unknown key'}")
    hosts = [(span.attributes or {}).get("http.url") for span in traces.exported]
    assert "http://api.other.example/v1/chat/completions" in hosts
    assert traces.one("chat").status.status_code is StatusCode.ERROR
    assert guard.gate.is_open


@pytest.mark.parametrize("records", [True, False])
def test_the_gates_own_refusal_is_no_error(records: bool, traces: Traces, guard: SessionGuard) -> None:
    guard.report("failed", operation="chat_completions", provider="OpenHuman", status=401)
    with contextlib.suppress(RuntimeError), traces.tracer.start_as_current_span("root"):
        with traces.tracer.start_as_current_span(
            "chat", attributes={"gen_ai.operation.name": "chat"}, record_exception=records
        ):
            guard.gate.check()
    assert [span.name for span in traces.exported] == ["chat", "root"]
    for span in traces.exported:
        assert span.status.status_code is StatusCode.UNSET
        assert [event.name for event in span.events] == ["session.expired"]
    assert guard.counters.get("decisions", "span", "demote", "refused_by_gate") == 2
    assert outcomes(guard) == {"seen": 2, "demoted": 2}


def test_a_log_of_the_gates_own_refusal_is_dropped(logs: Logs, guard: SessionGuard) -> None:
    guard.report("failed", operation="chat_completions", provider="OpenHuman", status=401)
    logger = logs.provider.get_logger("app")
    try:
        guard.gate.check()
    except RuntimeError as error:
        logger.emit(body="refused", exception=error)
    logger.emit(attributes={"exception.type": "sentry_filters.core.session.SessionExpiredError"})
    logger.emit(attributes={"exception.type": "shop.SessionExpiredError"})
    assert len(logs.exporter.get_finished_logs()) == 1
    assert guard.counters.get("decisions", "log", "drop", "refused_by_gate") == 2


def test_an_error_beside_a_refusal_stays(traces: Traces, guard: SessionGuard) -> None:
    guard.report("failed", operation="chat_completions", provider="OpenHuman", status=401)
    with contextlib.suppress(RuntimeError), traces.tracer.start_as_current_span("root") as span:
        span.record_exception(KeyError("user"))
        guard.gate.check()
    assert traces.one("root").status.status_code is StatusCode.ERROR


def test_a_demoted_call_without_an_error_is_exported(backend: LLMBackend) -> None:
    policy = Policy(provider="OpenHuman", hosts={backend.address}, span_action="demote", not_session_codes=())
    guard = SessionGuard(policy, lambda event: None)
    exporter = InMemorySpanExporter()
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    url = f"http://{backend.address}/v1/chat/completions"
    attributes: dict[str, Any] = {"http.method": "POST", "http.url": url, "http.status_code": 401}
    provider.get_tracer("app").start_span("POST", kind=SpanKind.CLIENT, attributes=attributes).end()
    (span,) = exporter.get_finished_spans()
    assert [event.name for event in span.events] == ["session.expired"]
    assert outcomes(guard) == {"seen": 1, "demoted": 1}
    guard.close()
