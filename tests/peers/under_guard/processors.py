"""Every provider of OpenTelemetry's SDK gets the guarded processor, every periodic reader our exporter."""

from __future__ import annotations

import pytest
from opentelemetry.sdk import _logs, trace
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

from sentry_filters.otel import GuardedLogRecordProcessor, GuardedSpanProcessor, RedactingMetricExporter

from .guarded import Guarded, adding, before_init, wrapping


def pytest_configure(config: pytest.Config) -> None:
    """Wrap the classes, and add the plugin."""
    guarded = Guarded(one_for_all=False)
    config.pluginmanager.register(guarded)
    before_init(
        trace.TracerProvider,
        adding("active_span_processor", 3, lambda: GuardedSpanProcessor(guarded.guard)),
    )
    before_init(
        _logs.LoggerProvider,
        adding("multi_log_record_processor", 2, lambda: GuardedLogRecordProcessor(guarded.guard)),
    )
    before_init(
        PeriodicExportingMetricReader,
        wrapping(
            "exporter",
            0,
            lambda exporter: RedactingMetricExporter(
                exporter, guarded.guard.redactor, counters=guarded.guard.counters
            ),
        ),
    )
