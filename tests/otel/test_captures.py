"""Every recorded span and log record of real instrumentations is decided as its record says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from otel.logs.pipeline import GuardedLogs
from otel.spans.pipeline import GuardedSpans
from sentry_filters import Policy, SessionGuard

_FILE = Path(__file__).resolve().parents[2] / "../shared/recognition/captures.jsonl"
_RESOURCE = Resource({"service.name": "app"})

Capture = dict[str, Any]


def captures() -> list[Any]:
    if not _FILE.exists():
        reason = "the recorded captures lie beside the repository, and are not there"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason))]
    recorded = [json.loads(line) for line in _FILE.read_text("utf-8").splitlines()]
    return [pytest.param(one, id=one["id"]) for one in recorded if one.get("spans") or one.get("logs")]


def a_span(recorded: dict[str, Any]) -> ReadableSpan:
    trace_id = int(recorded["trace_id"], 16)
    parent = recorded["parent_id"]
    status = recorded["status"]
    return ReadableSpan(
        name=recorded["name"],
        context=SpanContext(
            trace_id, int(recorded["span_id"], 16), is_remote=False, trace_flags=TraceFlags(1)
        ),
        parent=None if parent is None else SpanContext(trace_id, int(parent, 16), is_remote=False),
        resource=_RESOURCE,
        attributes=recorded["attributes"],
        events=[Event(event["name"], event["attributes"], 1) for event in recorded["events"]],
        kind=SpanKind[recorded["kind"]],
        status=Status(StatusCode[status["status_code"]], status.get("description")),
        start_time=1,
        end_time=2,
        instrumentation_scope=InstrumentationScope(recorded["scope"]),
    )


def a_record(recorded: dict[str, Any]) -> ReadWriteLogRecord:
    record = LogRecord(
        timestamp=1,
        body=recorded["body"],
        severity_text=recorded["severity_text"],
        attributes=recorded["attributes"],
        event_name=recorded["event_name"],
    )
    record.trace_id, record.span_id = int(recorded["trace_id"], 16), int(recorded["span_id"], 16)
    return ReadWriteLogRecord(record, _RESOURCE)


def span_id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def what_became(before: ReadableSpan, after: ReadableSpan | None) -> str:
    if after is None:
        return "drop"
    expired = [event for event in after.events if event.name == "session.expired"]
    if not expired:
        return "keep"
    assert len(expired) == 1
    assert after.status.status_code is StatusCode.UNSET
    assert all(event.name != "exception" for event in after.events)
    assert before.status.status_code is StatusCode.ERROR, "the SDK's own span was changed"
    return "demote"


@pytest.mark.parametrize("hosts", ["own", "other"])
@pytest.mark.parametrize("capture", captures())
def test_a_recorded_failure_is_decided_as_recorded(capture: Capture, hosts: str) -> None:
    expectation = "expect" if hosts == "own" else "expect_other_host"
    served = {capture["host"]} if hosts == "own" else {"other.example"}
    guard = SessionGuard(Policy(provider="OpenHuman", hosts=served, not_session_codes=()), lambda event: None)
    spans, logs = GuardedSpans(guard), GuardedLogs(guard)
    ended = [a_span(recorded) for recorded in capture["spans"]]
    left = [kept for span in ended for kept in spans.kept(span)]
    left += spans.flushed()
    after = {span_id_of(span): span for span in left}
    assert len(after) == len(left)
    for recorded, span in zip(capture["spans"], ended, strict=True):
        outcome = what_became(span, after.get(span_id_of(span)))
        assert outcome in recorded[expectation].split("_or_"), (recorded["name"], recorded["why"])
    for recorded in capture.get("logs", []):
        outcome = "keep" if logs.kept(a_record(recorded)) is not None else "drop"
        assert outcome in recorded[expectation].split("_or_"), recorded["why"]
    assert guard.counters.get("faults") == 0
    guard.close()
