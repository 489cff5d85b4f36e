"""Guarded OTLP exporters for auto-instrumentation and declarative configuration, by the name `otlp_guarded`.

The policy comes from `SENTRY_FILTERS_*`. Without `SENTRY_FILTERS_PROVIDER` there is no session to recognise:
then they redact only. Where the protocol is not stated (`OTEL_EXPORTER_OTLP_PROTOCOL`), it is the one whose
exporter is installed, gRPC first, as for the SDK's own `otlp`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from sentry_filters import Policy, Redactor, SessionGuard

from .logs import GuardedLogs, RedactingLogRecordExporter
from .metrics import RedactingMetricExporter
from .redaction import sdk_records
from .spans import GuardedSpans, RedactingSpanExporter
from .telemetry import emit_session_expired, observe_counters

_EXPORTERS: Mapping[str, str] = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}


class GuardedOTLPSpanExporter(SpanExporter):
    """Exports spans over OTLP, guarded by a policy from the environment.

    Expiries and counters go to the global logger and meter providers.

    Args:
        options: What the OTLP exporter takes; `protocol` may be among them.

    Raises:
        ValueError: A variable states an impossible policy; the message names it.
        RuntimeError: No OTLP exporter is installed, or the protocol is unknown.
    """

    def __init__(self, **options: Any) -> None:
        exporter = _otlp_exporter("traces", options)
        guard = _guard_of_environment()
        if guard is None:
            self._exporter: SpanExporter = RedactingSpanExporter(exporter, Redactor())
            return
        observe_counters(guard)
        emit_session_expired(guard)
        self._exporter = _GuardedSpanExporter(exporter, guard)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export what may leave of `spans`."""
        return self._exporter.export(spans)

    def shutdown(self) -> None:
        """As the OTLP exporter's."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """As the OTLP exporter's."""
        return self._exporter.force_flush(timeout_millis)


class GuardedOTLPLogRecordExporter(LogRecordExporter):
    """As `GuardedOTLPSpanExporter`, for log records.

    Args:
        options: What the OTLP exporter takes; `protocol` may be among them.
    """

    def __init__(self, **options: Any) -> None:
        exporter = _otlp_exporter("logs", options)
        guard = _guard_of_environment()
        self._exporter: LogRecordExporter = (
            RedactingLogRecordExporter(exporter, Redactor())
            if guard is None
            else _GuardedLogRecordExporter(exporter, guard)
        )

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Export what may leave of the records."""
        return self._exporter.export(batch)

    def shutdown(self) -> None:
        """As the OTLP exporter's."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """As the OTLP exporter's."""
        return self._exporter.force_flush(timeout_millis)


class GuardedOTLPMetricExporter(RedactingMetricExporter):
    """Exports metrics over OTLP, redacted.

    Args:
        options: What the OTLP exporter takes; `protocol` may be among them.
    """

    def __init__(self, **options: Any) -> None:
        guard = _guard_of_environment()
        redactor = Redactor() if guard is None else guard.redactor
        super().__init__(_otlp_exporter("metrics", options), redactor)


class _GuardedSpanExporter(SpanExporter):
    """Judges and redacts in the export thread; a batch holds spans in the order of their end."""

    def __init__(self, exporter: SpanExporter, guard: SessionGuard) -> None:
        self._exporter = exporter
        self._guard = guard
        self._spans = GuardedSpans(guard)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        passed = [passed for span in spans for passed in self._spans.passed(span)]
        return self._exporter.export(passed) if passed or not spans else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._exporter.shutdown()
        self._guard.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class _GuardedLogRecordExporter(LogRecordExporter):
    def __init__(self, exporter: LogRecordExporter, guard: SessionGuard) -> None:
        self._exporter = exporter
        self._guard = guard
        self._logs = GuardedLogs(guard)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        candidates = (sdk_records.passed_readable(record, self._logs.passed) for record in batch)
        passed = [record for record in candidates if record is not None]
        return self._exporter.export(passed) if passed or not batch else LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]
        self._guard.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _guard_of_environment() -> SessionGuard | None:
    return SessionGuard(Policy.from_env()) if os.environ.get("SENTRY_FILTERS_PROVIDER") else None


def _otlp_exporter(signal: str, options: dict[str, Any]) -> Any:
    """Make the OTLP exporter of `signal`; what it takes is its own business."""
    options = dict(options)
    stated = options.pop("protocol", None) or _stated_protocol(signal)
    if stated is not None and stated not in _EXPORTERS:
        raise RuntimeError(
            f"otlp_guarded: protocol {stated!r} is not possible; allowed: {', '.join(_EXPORTERS)}"
        )
    wanted = list(_EXPORTERS.values()) if stated is None else [_EXPORTERS[stated]]
    for name in wanted:
        for entry_point in entry_points(group=f"opentelemetry_{signal}_exporter", name=name):
            return entry_point.load()(**options)
    raise RuntimeError(f"otlp_guarded: none of {', '.join(wanted)} is installed; install an OTLP exporter")


def _stated_protocol(signal: str) -> str | None:
    named = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
    return (named or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "").strip() or None
