"""For auto-instrumentation and declarative configuration: exporters named `otlp_guarded`, an instrumentor.

The policy comes from `SENTRY_FILTERS_*`. Without `SENTRY_FILTERS_PROVIDER` there is no session to recognise:
then they redact only. Where the protocol is not stated (`OTEL_EXPORTER_OTLP_PROTOCOL`), it is the one whose
exporter is installed, gRPC first, as for the SDK's own `otlp`.
"""

from __future__ import annotations

import atexit
import logging
import os
import time
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, TypeVar

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from sentry_filters import Policy, Redactor, SessionGuard

from .logs import GuardedLogs, RedactingLogRecordExporter
from .metrics import RedactingMetricExporter
from .providers import instrument
from .redaction import WrappingExporter, sdk_records
from .spans import GuardedSpans, RedactingSpanExporter
from .telemetry import emit_session_expired, observe_counters

_EXPORTERS: Mapping[str, str] = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_PROVIDERS = ("tracer_provider", "logger_provider", "meter_provider")
_FLUSH_SECONDS = 30.0
"""A provider's own time limit for its shutdown (OpenTelemetry SDK)."""
_log = logging.getLogger("sentry_filters")
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _GuardedExporter(WrappingExporter[_Item, _Result]):
    """Judges and redacts in the export thread; a batch holds spans in the order of their end."""

    _guard: SessionGuard | None

    def shutdown(self) -> None:
        """As the OTLP exporter's; the guard is closed too."""
        super().shutdown()
        if self._guard is not None:
            self._guard.close()


class GuardedOTLPSpanExporter(_GuardedExporter[ReadableSpan, SpanExportResult], SpanExporter):
    """Exports spans over OTLP, guarded by a policy from the environment.

    Expiries and counters go to the global logger and meter providers.

    Args:
        options: What the OTLP exporter takes; `protocol` may be among them.

    Raises:
        ValueError: A variable states an invalid policy; the message names it.
        RuntimeError: No OTLP exporter is installed, or the protocol is unknown.
    """

    success = SpanExportResult.SUCCESS

    def __init__(self, **options: Any) -> None:
        exporter = _otlp_exporter("traces", options)
        self._guard = _guard_of_environment()
        super().__init__(RedactingSpanExporter(exporter, Redactor()) if self._guard is None else exporter)
        if self._guard is not None:
            observe_counters(self._guard)
            emit_session_expired(self._guard)
            self._spans = GuardedSpans(self._guard)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """As the OTLP exporter's; what waited is exported first."""
        self._export_flushed()
        return super().force_flush(timeout_millis)

    def shutdown(self) -> None:
        """As the OTLP exporter's; what waited is exported first, and the guard is closed too."""
        self._export_flushed()
        super().shutdown()

    def _export_flushed(self) -> None:
        flushed = [] if self._guard is None else list(self._spans.flushed())
        if flushed:
            self._exporter.export(flushed)

    def _kept(self, batch: Sequence[ReadableSpan]) -> Sequence[ReadableSpan]:
        return batch if self._guard is None else [kept for span in batch for kept in self._spans.kept(span)]


class GuardedOTLPLogRecordExporter(
    _GuardedExporter[ReadableLogRecord, LogRecordExportResult], LogRecordExporter
):
    """As `GuardedOTLPSpanExporter`, for log records.

    Args:
        options: What the OTLP exporter takes; `protocol` may be among them.
    """

    success = LogRecordExportResult.SUCCESS

    def __init__(self, **options: Any) -> None:
        exporter = _otlp_exporter("logs", options)
        self._guard = _guard_of_environment()
        super().__init__(
            RedactingLogRecordExporter(exporter, Redactor()) if self._guard is None else exporter
        )
        if self._guard is not None:
            self._logs = GuardedLogs(self._guard)

    def _kept(self, batch: Sequence[ReadableLogRecord]) -> Sequence[ReadableLogRecord]:
        if self._guard is None:
            return batch
        candidates = (sdk_records.kept_of_readable(record, self._logs.kept) for record in batch)
        return [record for record in candidates if record is not None]


class GuardedOTLPMetricExporter(RedactingMetricExporter):
    """Exports metrics over OTLP, redacted.

    Args:
        options: What the OTLP exporter takes; `protocol` may be among them.
    """

    def __init__(self, **options: Any) -> None:
        guard = _guard_of_environment()
        redactor = Redactor() if guard is None else guard.redactor
        super().__init__(_otlp_exporter("metrics", options), redactor)


class GuardedInstrumentor:
    """Records all HTTP calls and guards the global providers: an instrumentor for auto-instrumentation.

    It has the methods that OpenTelemetry's own have, and needs nothing of their package. The guard is the
    application's where one is given; else it is made from the environment, and nothing happens where that
    states no policy.
    """

    def __init__(self) -> None:
        self._guard: SessionGuard | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return what has to be installed: nothing, since libraries are waited for."""
        return ()

    def instrument(self, *, guard: SessionGuard | None = None, **options: Any) -> None:
        """Record from now on.

        Args:
            guard: Decides.
            options: `tracer_provider`, `logger_provider` and `meter_provider`, the global ones by default;
                others are ignored, as those of instrumentations are.
        """
        self._guard = guard or _guard_of_environment()
        if self._guard is None:
            return
        self._guard.instrument()
        providers = {name: options[name] for name in _PROVIDERS if name in options}
        try:
            instrument(self._guard, **providers)
        except TypeError as error:  # what starts before the application must not end it
            _log.warning("sentry-filters: spans and logs are not guarded (%s)", error)

    def uninstrument(self, **_: Any) -> None:
        """Record no longer; the providers stay guarded."""
        if self._guard is not None:
            self._guard.uninstrument()


def _guard_of_environment() -> SessionGuard | None:
    return SessionGuard(Policy.from_env()) if os.environ.get("SENTRY_FILTERS_PROVIDER") else None


def _flush_global_providers() -> None:
    """Export what is pending while exporters' threads may still redact.

    A provider that was made before this package was imported, as with `OTEL_CONFIG_FILE`, is shut down after
    that (`sentry_filters.forking.look_after`): its last batch would be withheld. Metrics are the last: they
    count what was done to the others. A collector that is away holds the exit up as long as the SDK's own
    exit would: no further flush begins after that time.
    """
    latest = time.monotonic() + _FLUSH_SECONDS
    for provider in (trace.get_tracer_provider(), get_logger_provider(), metrics.get_meter_provider()):
        flush = getattr(provider, "force_flush", None)
        if flush is None or time.monotonic() > latest:
            continue
        try:
            flush()
        except Exception as error:  # noqa: BLE001 - a provider of any kind; what ends the process must not print
            _log.warning("sentry-filters: a provider's force_flush raised %s at exit", type(error).__name__)


def _otlp_exporter(signal: str, options: dict[str, Any]) -> Any:
    """Make the OTLP exporter of `signal`; what it takes is its own business."""
    atexit.unregister(_flush_global_providers)  # once, for all exporters
    atexit.register(_flush_global_providers)
    options = dict(options)
    stated = options.pop("protocol", None) or _stated_protocol(signal)
    if stated is not None and stated not in _EXPORTERS:
        raise RuntimeError(
            f"otlp_guarded: invalid protocol {stated!r}; expected one of {', '.join(_EXPORTERS)}"
        )
    wanted = list(_EXPORTERS.values()) if stated is None else [_EXPORTERS[stated]]
    for name in wanted:
        for entry_point in entry_points(group=f"opentelemetry_{signal}_exporter", name=name):
            return entry_point.load()(**options)
    raise RuntimeError(f"otlp_guarded: none of {', '.join(wanted)} is installed; install an OTLP exporter")


def _stated_protocol(signal: str) -> str | None:
    named = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
    return (named or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "").strip() or None
