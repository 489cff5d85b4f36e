"""Spans that are not above the failed call, and carry its error all the same.

Frameworks that trace by callbacks never make their spans the current ones; some leave a span unended.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Status, StatusCode

from otel.evidence import ErrorText, may_be_about
from otel.evidence.errors import leads_to
from otel.evidence.lineage import ChildFailure
from sentry_filters import Endpoint, Failure, Response
from tests.otel.conftest import Traces
from tests.otel.spans.test_ancestors import OURS, fail, http_span, is_demoted, root
from tests.support.backend import LLMBackend

LLM = {"openinference.span.kind": "LLM"}


@contextlib.contextmanager
def aside(traces: Traces, error: str, **attributes: str) -> Iterator[None]:
    """A span by callbacks: below the current one, never current itself, ended after the call has failed."""
    span = traces.tracer.start_span("aside", attributes=attributes)
    try:
        yield
    except Exception:
        span.set_status(Status(StatusCode.ERROR, f"AuthenticationError({error!r})Traceback: …"))
        raise
    finally:
        span.end()


@pytest.fixture(params=[{}, LLM], ids=["work", "model"])
def attributes(request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = request.param
    return found


def left(traces: Traces, name: str) -> list[ReadableSpan]:
    return [span for span in traces.exported if span.name == name]


def test_a_span_beside_the_call_that_carries_its_error_does_not_fail(
    traces: Traces, attributes: dict[str, str], backend: LLMBackend
) -> None:
    with root(traces), aside(traces, OURS, **attributes), aside(traces, OURS, **attributes):
        fail(traces, backend.address)

    assert all(map(is_demoted, left(traces, "aside")))
    assert len(left(traces, "aside")) == (0 if attributes else 2)
    assert is_demoted(traces.one("root"))


def test_it_waits_for_what_the_call_is_to_learn(traces: Traces, backend: LLMBackend) -> None:
    told = f"{OURS}, for url 'http://{backend.address}/v1/chat/completions'"  # a traceback names it, too
    with root(traces), aside(traces, told, **LLM):
        http_span(traces, backend.address)
        raise RuntimeError(OURS)

    assert [span.name for span in traces.exported] == ["root"]
    assert is_demoted(traces.one("root"))


def test_a_span_above_one_that_never_ends_does_not_fail(traces: Traces, backend: LLMBackend) -> None:
    with root(traces):
        never = traces.tracer.start_span("never ends")
        with trace.use_span(never, end_on_exit=False, record_exception=False, set_status_on_exception=False):
            fail(traces, backend.address)

    assert [span.name for span in traces.exported] == ["root"]
    assert is_demoted(traces.one("root"))


@pytest.mark.parametrize("text", ["Error code: 401", "no", "Error code: 401 - {'error': 'Unknown key'}"])
def test_a_status_alone_or_another_body_is_kept(
    text: str, traces: Traces, attributes: dict[str, str], backend: LLMBackend
) -> None:
    with root(traces), aside(traces, text, **attributes):
        fail(traces, backend.address)

    [span] = left(traces, "aside")
    assert span.status.status_code is StatusCode.ERROR


def test_a_third_partys_failure_with_the_same_text_in_the_same_trace_is_kept(
    traces: Traces, attributes: dict[str, str], backend: LLMBackend, other_backend: LLMBackend
) -> None:
    with root(traces), aside(traces, OURS, **attributes):
        with contextlib.suppress(Exception):
            fail(traces, backend.address)
        fail(traces, other_backend.address)

    [span] = left(traces, "aside")
    assert span.status.status_code is StatusCode.ERROR
    assert traces.one("root").status.status_code is StatusCode.ERROR


def test_a_third_partys_text_in_which_ours_stands_is_kept(
    traces: Traces, backend: LLMBackend, other_backend: LLMBackend
) -> None:
    with root(traces):
        with contextlib.suppress(Exception), traces.tracer.start_as_current_span("ours"):
            http_span(traces, backend.address)
            raise RuntimeError(OURS)
        with traces.tracer.start_as_current_span("theirs"):
            http_span(traces, other_backend.address)
            raise RuntimeError(f"{OURS}: no such key")

    assert is_demoted(traces.one("ours"))
    for name in ("theirs", "root"):
        assert traces.one(name).status.status_code is StatusCode.ERROR


def test_a_span_that_began_later_is_kept(
    traces: Traces, attributes: dict[str, str], backend: LLMBackend
) -> None:
    with root(traces):
        with contextlib.suppress(Exception):
            fail(traces, backend.address)
        with aside(traces, OURS, **attributes):
            raise RuntimeError("of another call")

    [span] = left(traces, "aside")
    assert span.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(
    ("text", "body", "expected"),
    [
        ("401: {'error': 'Invalid token'}", '{"error":"Invalid token"}', True),
        ("401 at https://api.example.ai/v1/chat/completions", None, True),
        ("401", '{"error":"Invalid token"}', False),
        ("401: {'error': 'Invalid token'}", "not JSON", False),
    ],
)
def test_an_error_leads_to_the_failure_by_its_body_or_url(
    text: str, body: str | None, *, expected: bool
) -> None:
    response = Response(
        status=401, endpoint=Endpoint("api.example.ai", 443), path="/v1/chat/completions", body=body
    )

    assert leads_to(ErrorText(text), ChildFailure(failure=Failure(response=response))) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("Status 401. Body: no", True), ("took 401.5 s", False), ("x.401", False)]
)
def test_a_status_may_end_a_sentence(text: str, *, expected: bool) -> None:
    assert may_be_about(text, Failure(response=Response(status=401))) is expected
