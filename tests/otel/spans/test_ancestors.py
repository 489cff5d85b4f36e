"""Whose failure an ancestor's error is: ours goes, every other one stays."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, Status, StatusCode

from otel.evidence.errors import ErrorText, matches
from otel.evidence.lineage import ChildFailure
from sentry_filters import Endpoint, Failure, Response, SessionGuard
from tests.otel.conftest import Traces
from tests.support.backend import LLMBackend

OURS = "Error code: 401 - {'error': 'Invalid token'}"


class ApiError(Exception):
    pass


class Wrapper(Exception):
    pass


def http_span(traces: Traces, address: str, status: int = 401) -> None:
    attributes = {"http.method": "POST", "http.url": f"http://{address}/v1/chat/completions"}
    with traces.tracer.start_as_current_span("POST", kind=SpanKind.CLIENT, attributes=attributes) as span:
        span.set_attribute("http.status_code", status)
        span.set_status(Status(StatusCode.ERROR))


def fail(traces: Traces, address: str, message: str = OURS) -> NoReturn:
    """A chat call that fails: a chat span around an HTTP span, and the exception that leaves both."""
    with traces.tracer.start_as_current_span("chat m", kind=SpanKind.CLIENT) as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.provider.name", "openai")
        http_span(traces, address)
        raise ApiError(message)


@contextlib.contextmanager
def root(traces: Traces) -> Iterator[None]:
    with contextlib.suppress(Exception), traces.tracer.start_as_current_span("root"):
        yield


def is_demoted(span: ReadableSpan) -> bool:
    return span.status.status_code is StatusCode.UNSET and [one.name for one in span.events] == [
        "session.expired"
    ]


def raised_from(traces: Traces, address: str) -> None:
    try:
        fail(traces, address)
    except ApiError as error:
        raise Wrapper("the agent gave up") from error


def in_a_group(traces: Traces, address: str) -> None:
    try:
        fail(traces, address)
    except ApiError as error:
        raise ExceptionGroup("all failed", [error]) from None


def of_its_own(traces: Traces, address: str) -> None:
    try:
        fail(traces, address)
    except ApiError:
        raise KeyError("user")  # noqa: B904 - implicitly, as bugs come up


def later(traces: Traces, address: str) -> None:
    with contextlib.suppress(ApiError):
        fail(traces, address)
    raise ValueError("cannot read the answer")


def in_a_mixed_group(traces: Traces, address: str) -> None:
    try:
        fail(traces, address)
    except ApiError as error:
        raise ExceptionGroup("all failed", [error, ValueError("another")]) from None


@pytest.mark.parametrize("work", [fail, raised_from, in_a_group])
def test_an_error_that_is_or_comes_from_our_failure_is_demoted(
    work: Callable[[Traces, str], None], traces: Traces, backend: LLMBackend
) -> None:
    with root(traces):
        work(traces, backend.address)
    assert [span.name for span in traces.exported] == ["root"]
    assert is_demoted(traces.one("root"))


@pytest.mark.parametrize("work", [of_its_own, later, in_a_mixed_group])
def test_an_error_of_its_own_stays(
    work: Callable[[Traces, str], None], traces: Traces, backend: LLMBackend
) -> None:
    with root(traces):
        work(traces, backend.address)
    span = traces.one("root")
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]


def test_a_chat_span_that_failed_for_another_reason_in_the_same_trace_is_kept(
    traces: Traces, backend: LLMBackend
) -> None:
    with root(traces):
        with contextlib.suppress(ApiError):
            fail(traces, backend.address)
        with traces.tracer.start_as_current_span("chat m", attributes={"gen_ai.operation.name": "chat"}):
            http_span(traces, backend.address, status=500)
            raise ApiError("Error code: 500 - overloaded")
    assert [span.name for span in traces.exported] == ["POST", "chat m", "root"]
    assert all(span.status.status_code is StatusCode.ERROR for span in traces.exported)


def test_a_third_partys_401_after_ours_stays_on_the_ancestor(traces: Traces, backend: LLMBackend) -> None:
    with root(traces):
        with contextlib.suppress(ApiError):
            fail(traces, backend.address)
        fail(traces, "api.other.example", "Error code: 401 - Incorrect API key provided")
    assert [span.name for span in traces.exported] == ["POST", "chat m", "root"]
    assert traces.one("root").status.status_code is StatusCode.ERROR


def test_siblings_and_other_traces_are_the_same_objects(traces: Traces, backend: LLMBackend) -> None:
    seen: list[ReadableSpan] = []
    with root(traces):
        with traces.tracer.start_as_current_span("sibling") as sibling:
            sibling.set_status(Status(StatusCode.ERROR, "Error code: 401"))
        with contextlib.suppress(ApiError):
            fail(traces, backend.address)
    with root(traces):
        raise ApiError(OURS)
    seen += traces.exported
    assert [span.name for span in seen] == ["sibling", "root", "root"]
    assert seen[0].status.description == "Error code: 401"
    assert seen[1].status.status_code is StatusCode.UNSET
    assert seen[1].events == ()
    assert seen[2].status.status_code is StatusCode.ERROR


def test_a_span_above_that_only_has_the_status_is_demoted(traces: Traces, backend: LLMBackend) -> None:
    with root(traces), traces.tracer.start_as_current_span("turn", record_exception=False) as span:
        try:
            fail(traces, backend.address)
        except ApiError as error:
            span.set_status(Status(StatusCode.ERROR, str(error)))
    assert is_demoted(traces.one("turn"))


def test_tags_as_attributes_decide_like_tags(traces: Traces, guard: SessionGuard) -> None:
    tags: dict[str, Any] = {
        "domain": "llm_provider",
        "operation": "native_chat",
        "status": "401",
        "failure": "non_2xx",
    }
    for provider in ("OpenHuman", "OpenAI"):
        with traces.tracer.start_as_current_span("call", attributes={**tags, "provider": provider}) as span:
            span.set_status(Status(StatusCode.ERROR))
    assert [(span.attributes or {})["provider"] for span in traces.exported] == ["OpenAI"]
    assert not guard.gate.is_open


def test_names_of_the_protocol_are_evidence_for_nothing(traces: Traces) -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.system": "OpenHuman", "error.type": "401"}
    with traces.tracer.start_as_current_span("chat", attributes=attributes) as span:
        span.set_status(Status(StatusCode.ERROR, "Error code: 401"))
    assert len(traces.exported) == 1


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Client error '401 Unauthorized' for url 'http://api.example.ai/v1/chat/completions?a=b'", True),
        ("Client error '401 Unauthorized' for url 'http://other.example/v1/chat/completions'", False),
        ("Client error '401 Unauthorized' for url 'http://api.example.ai/v1/embeddings'", False),
        ("Error code: 401", True),
        ("Error code: 4010", False),
        ("Error code: 500", False),
        ("", False),
    ],
)
def test_a_message_is_ours_by_status_and_url(message: str, expected: bool) -> None:
    response = Response(status=401, endpoint=Endpoint("api.example.ai", 80), path="/v1/chat/completions")
    assert matches(ErrorText(message), ChildFailure(failure=Failure(response=response))) is expected
