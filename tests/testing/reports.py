"""Reading reports, and checks of providers that the tests make."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

import otel.testing
from sentry_filters import Policy, SessionGuard
from sentry_filters.testing import Outcome, Report

DSN = "http://a@127.0.0.1:1/1"
"""Nobody listens there: what were sent would be lost, not seen."""
POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})


def check_providers(guard: SessionGuard, **providers: Any) -> Report:
    """Check these providers and no global ones; those that are not named export nothing."""
    idle = {
        "tracer_provider": TracerProvider(shutdown_on_exit=False),
        "logger_provider": LoggerProvider(shutdown_on_exit=False),
        "meter_provider": MeterProvider(shutdown_on_exit=False),
    }
    return otel.testing.check(guard, **{**idle, **providers})


def outcomes(report: Report) -> dict[str, Outcome]:
    """The outcome of each path."""
    return {path.path: path.outcome for path in report.paths}


def failing(report: Report) -> list[str]:
    """The paths that fail."""
    return [path.path for path in report.failures]
