"""Which log records report our expired session."""

from __future__ import annotations

from typing import Any

from sentry_filters import SessionGuard
from tests.otel.conftest import Logs, Traces


def test_logs_of_our_failure_go_and_others_stay(logs: Logs, traces: Traces, guard: SessionGuard) -> None:
    logger = logs.provider.get_logger("app")
    tags: dict[str, Any] = {
        "domain": "llm_provider",
        "operation": "chat",
        "failure": "non_2xx",
        "status": 401,
    }
    logger.emit(body="chat failed", attributes={**tags, "provider": "OpenHuman"})
    logger.emit(body="agent gave up: OpenHuman API error (401 Unauthorized): expired")
    logger.emit(body="chat failed", attributes={**tags, "provider": "OpenAI"})
    logger.emit(body="Error code: 401 - whose is not known")
    kept = [str(one.log_record.body) for one in logs.exporter.get_finished_logs()]
    assert kept == ["chat failed", "Error code: 401 - whose is not known"]
    assert guard.counters.get("dropped", "log") == 2


def test_a_message_of_an_exception_counts_without_its_type(logs: Logs, guard: SessionGuard) -> None:
    stated = {
        "domain": "llm_provider",
        "exception.message": 'OpenHuman API error (401 Unauthorized): {"error":"Invalid token"}',
    }
    logs.provider.get_logger("app").emit(body="chat failed", attributes=stated)

    assert not logs.exporter.get_finished_logs()
    assert guard.counters.get("dropped", "log") == 1
