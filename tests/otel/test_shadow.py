"""Shadow mode in OpenTelemetry: spans and log records leave unchanged, and are counted as what would go."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import httpx
import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from otel import GuardedLogRecordProcessor, GuardedSpanProcessor
from sentry_filters import AuditRecord, DecisionRecord, Policy, SessionGuard
from sentry_filters.guard import parts_of
from tests.support.backend import LLMBackend


def guard_of(backend: LLMBackend, **changes: Any) -> tuple[SessionGuard, list[AuditRecord]]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}, **changes), lambda event: None)
    records: list[AuditRecord] = []
    parts_of(guard).trail.observe(records.append)
    return guard, records


def verdicts(records: list[AuditRecord]) -> Counter[str]:
    return Counter(record.verdict for record in records if isinstance(record, DecisionRecord))


def trace_calls(guard: SessionGuard, backend: LLMBackend) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("app")
    client = httpx.Client(headers={"authorization": "Bearer session-a"})
    with guard.instrument(client):
        for _ in range(2):
            with (
                pytest.raises(httpx.HTTPStatusError),
                tracer.start_as_current_span("job"),
                tracer.start_as_current_span(
                    "chat m", kind=SpanKind.CLIENT, attributes={"gen_ai.operation.name": "chat"}
                ),
            ):
                client.post(f"{backend.url}/chat/completions", json={}).raise_for_status()
    provider.shutdown()
    return exporter


@pytest.mark.parametrize("action", ["drop", "demote"])
def test_spans_leave_with_their_error_and_are_counted(
    action: Literal["drop", "demote"], backend: LLMBackend
) -> None:
    shadow, records = guard_of(backend, mode="shadow", span_action=action)
    enforced, as_enforced = guard_of(backend, span_action=action)
    spans = trace_calls(shadow, backend).get_finished_spans()
    trace_calls(enforced, backend)

    assert Counter(span.name for span in spans) == {"job": 2, "chat m": 2}
    assert all(span.status.status_code is StatusCode.ERROR for span in spans)
    assert all([event.name for event in span.events] == ["exception"] for span in spans)
    assert verdicts(records) == {f"would_{verdict}": n for verdict, n in verdicts(as_enforced).items()}
    assert shadow.counters.get("seen", "span") == shadow.counters.get("exported", "span") == 4
    assert shadow.gate.is_open
    shadow.close()
    enforced.close()


def test_log_records_leave_and_no_expiry_is_announced(backend: LLMBackend) -> None:
    guard, records = guard_of(backend, mode="shadow")
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(multi_log_record_processor=GuardedLogRecordProcessor(guard))
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))

    attributes = {
        "domain": "llm_provider", "operation": "chat", "provider": "OpenHuman", "status": "401",
        "failure": "non_2xx",
    }  # fmt: skip
    provider.get_logger("app").emit(
        body="OpenHuman API error (401 Unauthorized): expired",
        attributes=attributes,
        severity_number=SeverityNumber.ERROR,
    )
    provider.shutdown()

    (kept,) = exporter.get_finished_logs()
    assert kept.log_record.attributes == attributes
    assert verdicts(records) == {"would_drop": 1}
    guard.close()
