"""Every exporter that a processor or reader of OpenTelemetry's SDK gets is wrapped in ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

from sentry_filters.otel import RedactingLogRecordExporter, RedactingMetricExporter, RedactingSpanExporter

from .guarded import Guarded, before_init, wrapping


def pytest_configure(config: pytest.Config) -> None:
    """Wrap the classes, and add the plugin."""
    guarded = Guarded(one_for_all=False)
    config.pluginmanager.register(guarded)

    def wrap(redacting: Callable[..., Any]) -> Callable[[Any], Any]:
        def wrapped(exporter: Any) -> Any:
            return redacting(exporter, guarded.guard.redactor, counters=guarded.guard.counters)

        return wrapped

    for processor in (BatchSpanProcessor, SimpleSpanProcessor):
        before_init(processor, wrapping("span_exporter", 0, wrap(RedactingSpanExporter)))
    for log_processor in (BatchLogRecordProcessor, SimpleLogRecordProcessor):
        before_init(log_processor, wrapping("exporter", 0, wrap(RedactingLogRecordExporter)))
    before_init(PeriodicExportingMetricReader, wrapping("exporter", 0, wrap(RedactingMetricExporter)))
