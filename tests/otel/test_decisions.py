"""The audit's decisions about spans are what became of them: dropped or demoted, each once."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from otel import GuardedSpanProcessor
from sentry_filters import AuditRecord, DecisionRecord, Policy, SessionGuard
from sentry_filters.guard import parts_of
from tests.support.backend import LLMBackend


@pytest.mark.parametrize("action", ["drop", "demote"])
def test_each_span_has_one_decision_that_says_what_became_of_it(
    action: Literal["drop", "demote"], backend: LLMBackend
) -> None:
    guard = SessionGuard(
        Policy(provider="OpenHuman", hosts={backend.address}, span_action=action), lambda event: None
    )
    records: list[AuditRecord] = []
    parts_of(guard).trail.observe(records.append)
    provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    tracer = provider.get_tracer("app")

    session = {"authorization": "Bearer session-a"}
    with guard.instrument(httpx.Client(headers=session)) as client:
        for _ in range(3):
            with (
                pytest.raises(httpx.HTTPStatusError),
                tracer.start_as_current_span("job"),
                tracer.start_as_current_span("step"),
                tracer.start_as_current_span(
                    "chat m", kind=SpanKind.CLIENT, attributes={"gen_ai.operation.name": "chat"}
                ),
            ):
                client.post(f"{backend.url}/chat/completions", json={}).raise_for_status()
            with pytest.raises(httpx.HTTPStatusError), tracer.start_as_current_span("no chat span below"):
                client.post(f"{backend.url}/chat/completions", json={}).raise_for_status()
    provider.shutdown()

    decided = Counter(record.verdict for record in records if isinstance(record, DecisionRecord))
    calls = {"drop": {"drop": 3, "demote": 9}, "demote": {"demote": 12}}
    assert decided == calls[action]
    assert guard.counters.get("dropped", "span") == decided["drop"]
    assert guard.counters.get("demoted", "span") == decided["demote"]
    guard.close()
