"""The check of a process's OpenTelemetry providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import LoggerProvider, get_logger_provider
from opentelemetry.metrics import MeterProvider, get_meter_provider
from opentelemetry.sdk import _logs as sdk_logs
from opentelemetry.sdk import metrics as sdk_metrics
from opentelemetry.sdk import trace as sdk_trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExporter
from opentelemetry.trace import TracerProvider

from sentry_filters import SessionGuard
from sentry_filters.testing import Canaries, CheckedPath, Outcome, Rehearsal, Report, checked

from ..redaction import sdk_records
from . import signals
from .pipelines import Pipeline, is_sentrys
from .taps import Taps

__all__ = ["check", "check_global_providers"]

_NAME = "opentelemetry"
_UNREDACTED_BAGGAGE = (
    "your code's own baggage is sent unredacted; see sentry_filters.otel.RedactingPropagator"
)


def check(
    guard: SessionGuard,
    *,
    tracer_provider: TracerProvider | None = None,
    logger_provider: LoggerProvider | None = None,
    meter_provider: MeterProvider | None = None,
) -> Report:
    """Send canaries through OpenTelemetry providers; see `sentry_filters.testing.check`. Never raises.

    Args:
        guard: Expected to be before everything.
        tracer_provider: The global one by default.
        logger_provider: The global one by default.
        meter_provider: The global one by default.
    """
    providers = (tracer_provider, logger_provider, meter_provider)
    return checked(guard, {_NAME: partial(check_global_providers, instead=providers)})


def check_global_providers(
    guard: SessionGuard,
    canaries: Canaries,
    rehearsal: Rehearsal,
    *,
    instead: tuple[TracerProvider | None, LoggerProvider | None, MeterProvider | None] = (None, None, None),
) -> Iterator[CheckedPath]:
    """Check the global providers; the entry point that `sentry_filters.testing.check` finds.

    Args:
        guard: Expected to be before everything.
        canaries: What is sent.
        rehearsal: The guard's, under way.
        instead: Tracer, logger and meter providers to check instead of the global ones.
    """
    tracers, loggers, meters = instead
    check = _Check(guard, canaries, rehearsal)
    yield from check.spans(tracers or trace.get_tracer_provider())
    yield from check.logs(loggers or get_logger_provider())
    yield from check.metrics(meters or get_meter_provider())
    yield from check.propagation()


class _Check:
    def __init__(self, guard: SessionGuard, canaries: Canaries, rehearsal: Rehearsal) -> None:
        self._guard = guard
        self._canaries = canaries
        self._trial = rehearsal.trial(_NAME, canaries)
        self._taps = Taps(canaries.run, guard.counters, self._trial.captured)

    def spans(self, provider: object) -> Iterator[CheckedPath]:
        of_sdk = _sdk_provider(provider, sdk_trace.TracerProvider)
        processor = getattr(of_sdk, sdk_records.SPAN_PROCESSORS.of_provider, None)
        # Tracers that were made before the provider got its present processor keep the former.
        tracers = list(getattr(of_sdk, "_tracers", {}).values())
        early = [one for one in tracers if getattr(one, "span_processor", processor) is not processor]
        if early:
            detail = f"{len(early)} tracers are older than the provider's present processor and bypass it"
            yield self._trial.path("tracers", Outcome.BYPASS, detail)
        yield from self._processed("span", provider, processor, signals.end_span)

    def logs(self, provider: object) -> Iterator[CheckedPath]:
        of_sdk = _sdk_provider(provider, sdk_logs.LoggerProvider)
        processor = getattr(of_sdk, sdk_records.LOG_PROCESSORS.of_provider, None)
        yield from self._processed("log", provider, processor, signals.emit_log)

    def metrics(self, provider: object) -> Iterator[CheckedPath]:
        readers = getattr(_sdk_provider(provider, sdk_metrics.MeterProvider), "_metric_readers", None)
        if not readers:
            yield self._unused("metric", provider, readers)
            return
        pushing = [reader for reader in readers if Pipeline("metric", (reader,)).outermost]
        if pushing:
            pipeline = Pipeline("metric", pushing)
            with self._taps.on(pipeline):
                yield from self._sent("metric", pipeline, partial(self._export_metrics, pipeline))
        for reader in readers:
            if reader not in pushing and not isinstance(reader, InMemoryMetricReader):
                detail = "it hands metrics on without an exporter: nothing redacts them"
                yield self._trial.path(f"metric reader {type(reader).__name__}", Outcome.BYPASS, detail)

    def propagation(self) -> Iterator[CheckedPath]:
        headers = signals.outgoing_headers(self._canaries)
        for place in ("outgoing header: trace state", "outgoing header: baggage"):
            if place in self._canaries.leaked_in(headers):
                yield self._trial.path(place, Outcome.NOT_COVERED, _UNREDACTED_BAGGAGE)
            elif place in self._canaries.arrived_in(headers):
                yield self._trial.path(place, Outcome.CLEAN)
            else:
                yield self._trial.path(place, Outcome.OFF, "it is not propagated")

    def _processed(
        self, signal: str, provider: object, processor: object, send: Callable[[Canaries, Any], None]
    ) -> Iterator[CheckedPath]:
        pipeline = Pipeline(signal, () if processor is None else (processor,))
        if not pipeline.leaves:
            yield self._unused(signal, provider, processor)
            return
        with self._taps.on(pipeline):
            yield from self._sent(signal, pipeline, lambda: send(self._canaries, processor))
            yield from self._recognised(signal, pipeline)

    def _export_metrics(self, pipeline: Pipeline) -> None:
        data = signals.metrics(self._canaries)
        for exporter in pipeline.outermost:
            if data is not None and isinstance(exporter, MetricExporter):
                with self._taps.rehearsing():
                    exporter.export(data)

    def _sent(self, signal: str, pipeline: Pipeline, send: Callable[[], None]) -> Iterator[CheckedPath]:
        def send_all() -> None:
            send()
            pipeline.flush()

        yield from self._trial.sent(signal, send_all)
        for leaf in pipeline.leaves:
            yield self._judged_leaf(f"{signal}s to", pipeline.name_of(leaf), leaf)
        if not all(is_sentrys(leaf) for leaf in pipeline.leaves):
            yield from self._trial.places()

    def _judged_leaf(self, what: str, name: str, leaf: object) -> CheckedPath:
        path = f"{what} {name}"
        if is_sentrys(leaf):
            return self._trial.path(path, Outcome.NOT_COVERED, "they are sent through the Sentry client")
        captured = [data for sink, data in self._trial.captured if sink == name]
        if any(self._canaries.leaked_in(data) for data in captured):
            return self._trial.path(path, Outcome.BYPASS, "it is not behind the guard")
        return self._trial.covered(path, arrived=bool(captured), detail="behind the guard")

    def _recognised(self, signal: str, pipeline: Pipeline) -> Iterator[CheckedPath]:
        name = f"{signal} recognition"
        if not pipeline.guards:
            detail = "no guarded processor: secrets are redacted, expired sessions are exported"
            yield self._trial.path(name, Outcome.OFF, detail)
        elif any(guard is not self._guard for guard in pipeline.guards):
            detail = "it is behind another guard, which would act on it"
            yield self._trial.path(name, Outcome.NOT_COVERED, detail)
        else:
            report = partial(self._report, signal, pipeline)
            demotes = signal == "span" and any(one.span_action == "demote" for one in self._guard.policies)
            untried = (Outcome.OFF, 'span_action="demote" keeps it') if demotes else None
            yield self._trial.keeps_others(name, signal, report)
            yield self._trial.drops_own(name, report, untried=untried)

    def _report(self, signal: str, pipeline: Pipeline, tags: dict[str, str]) -> None:
        report = signals.report_span if signal == "span" else signals.report_log
        report(self._canaries, pipeline.roots[0], tags)
        pipeline.flush()

    def _unused(self, signal: str, provider: object, of_sdk: object) -> CheckedPath:
        name = type(provider).__name__
        if of_sdk is not None:
            return self._trial.path(signal, Outcome.OFF, "nothing is exported")
        if name.startswith(("Proxy", "NoOp", "_Proxy", "Default")):
            return self._trial.path(signal, Outcome.OFF, "there is no provider")
        return self._trial.path(signal, Outcome.NOT_COVERED, f"{name} is not a provider of the SDK")


def _sdk_provider(provider: object, kind: type[Any]) -> object:
    """Return the SDK's provider, also where another (logfire's, say) holds it; None where there is none."""
    parts = getattr(provider, "__dict__", {}).values()
    return next((one for one in (provider, *parts) if issubclass(type(one), kind)), None)
