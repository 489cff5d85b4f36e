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
_THIRD_PARTY = "sentry-filters check"


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
    yield from _headers(canaries)


def _path(name: str, outcome: Outcome, detail: str = "") -> CheckedPath:
    return CheckedPath(path=f"{_NAME} {name}", outcome=outcome, detail=detail)


class _Check:
    def __init__(self, guard: SessionGuard, canaries: Canaries, rehearsal: Rehearsal) -> None:
        self._guard = guard
        self._canaries = canaries
        self._rehearsal = rehearsal
        self._taps = Taps(canaries.run, guard.counters)

    def spans(self, provider: object) -> Iterator[CheckedPath]:
        of_sdk = _sdk_provider(provider, sdk_trace.TracerProvider)
        yield from _early_tracers(of_sdk)
        processor = getattr(of_sdk, sdk_records.SPAN_PROCESSORS.of_provider, None)
        yield from self._processed("span", provider, processor, signals.end_span)

    def logs(self, provider: object) -> Iterator[CheckedPath]:
        of_sdk = _sdk_provider(provider, sdk_logs.LoggerProvider)
        processor = getattr(of_sdk, sdk_records.LOG_PROCESSORS.of_provider, None)
        yield from self._processed("log", provider, processor, signals.emit_log)

    def metrics(self, provider: object) -> Iterator[CheckedPath]:
        readers = getattr(_sdk_provider(provider, sdk_metrics.MeterProvider), "_metric_readers", None)
        if readers is None:
            yield _without_sdk("metric", provider)
            return
        pushing = [reader for reader in readers if Pipeline("metric", (reader,)).outermost]
        if pushing:
            pipeline = Pipeline("metric", pushing)
            with self._taps.on(pipeline):
                yield from self._sent("metric", pipeline, partial(self._export_metrics, pipeline))
        for reader in readers:
            if reader not in pushing and not isinstance(reader, InMemoryMetricReader):
                detail = "it hands metrics on without an exporter: nothing redacts them"
                yield _path(f"metric reader {type(reader).__name__}", Outcome.BYPASS, detail)
        if not readers:
            yield _path("metric", Outcome.OFF, "nothing is exported")

    def _processed(
        self, signal: str, provider: object, processor: object, send: Callable[[Canaries, Any], None]
    ) -> Iterator[CheckedPath]:
        if processor is None:
            yield _without_sdk(signal, provider)
            return
        pipeline = Pipeline(signal, (processor,))
        if not pipeline.leaves:
            yield _path(signal, Outcome.OFF, "nothing is exported")
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
        earlier = set(self._canaries.places)
        self._taps.captured.clear()
        try:
            send()
            _flush(pipeline)
        except Exception as error:  # noqa: BLE001 - what breaks here says nothing about the other signals
            yield _path(signal, Outcome.FAULT, f"the check raised {type(error).__name__}")
        for leaf in pipeline.leaves:
            yield self._judged_leaf(f"{signal}s to", pipeline.name_of(leaf), leaf)
        if all(is_sentrys(leaf) for leaf in pipeline.leaves):
            return
        for place in self._canaries.places:
            if place not in earlier:
                yield self._judged(place)

    def _judged_leaf(self, what: str, name: str, leaf: object) -> CheckedPath:
        path = f"{what} {name}"
        if is_sentrys(leaf):
            return _path(path, Outcome.NOT_COVERED, "they are sent through the Sentry client")
        captured = [data for sink, data in self._taps.captured if sink == name]
        if any(self._canaries.leaked_in(data) for data in captured):
            return _path(path, Outcome.BYPASS, "it is not behind the guard")
        if captured:
            return _path(path, Outcome.CLEAN, "behind the guard")
        return _path(path, Outcome.NOT_COVERED, "nothing arrived")

    def _judged(self, place: str) -> CheckedPath:
        leaks = {sink for sink, data in self._taps.captured if place in self._canaries.leaked_in(data)}
        if leaks:
            return _path(place, Outcome.LEAK, f"through {', '.join(sorted(leaks))}")
        if any(place in self._canaries.arrived_in(data) for _, data in self._taps.captured):
            return _path(place, Outcome.CLEAN)
        return _path(place, Outcome.NOT_COVERED, "nothing arrived")

    def _recognised(self, signal: str, pipeline: Pipeline) -> Iterator[CheckedPath]:
        name = f"{signal} recognition"
        if not pipeline.guards:
            detail = "no guarded processor: secrets are redacted, expired sessions are exported"
            yield _path(name, Outcome.OFF, detail)
        elif any(guard is not self._guard for guard in pipeline.guards):
            yield _path(name, Outcome.NOT_COVERED, "it is behind another guard, which would act on it")
        else:
            yield self._keeps_others(f"{name}: a third party's 401 is kept", signal, pipeline)
            yield self._drops_own(f"{name}: your own session's 401 is dropped", signal, pipeline)

    def _keeps_others(self, name: str, signal: str, pipeline: Pipeline) -> CheckedPath:
        exported, dropped = self._reported(signal, pipeline, _THIRD_PARTY)
        if dropped:
            return _path(name, Outcome.WRONG, "it would be dropped")
        if exported:
            return _path(name, Outcome.CLEAN)
        return _path(name, Outcome.NOT_COVERED, "nothing arrived")

    def _drops_own(self, name: str, signal: str, pipeline: Pipeline) -> CheckedPath:
        policy = self._guard.policy
        if signal == "span" and policy.span_action == "demote":
            return _path(name, Outcome.OFF, 'span_action="demote" keeps it')
        exported, dropped = self._reported(signal, pipeline, policy.provider)
        if exported:
            return _path(name, Outcome.WRONG, f"it would be exported through {', '.join(sorted(exported))}")
        if dropped:
            return _path(name, Outcome.CLEAN)
        return _path(name, Outcome.NOT_COVERED, "nothing arrived")

    def _reported(self, signal: str, pipeline: Pipeline, provider: str) -> tuple[set[str], bool]:
        """Report a failed call; return through what it would be exported, and whether it would be dropped."""
        policy = self._guard.policy
        tags = {
            "domain": policy.domain,
            "operation": next(iter(policy.operations), "chat_completions"),
            "provider": provider,
            "status": str(next(iter(policy.statuses), 401)),
            "failure": "non_2xx",
        }
        self._taps.captured.clear()
        self._rehearsal.asked.clear()
        report = signals.report_span if signal == "span" else signals.report_log
        report(self._canaries, pipeline.roots[0], tags)
        _flush(pipeline)
        exported = {sink for sink, _ in self._taps.captured}
        return exported, any(drop for _, drop in self._rehearsal.asked)


def _headers(canaries: Canaries) -> Iterator[CheckedPath]:
    headers = signals.outgoing_headers(canaries)
    for place in ("outgoing header: trace state", "outgoing header: baggage"):
        if place in canaries.leaked_in(headers):
            detail = "your code's own baggage is sent unredacted; see sentry_filters.otel.RedactingPropagator"
            yield _path(place, Outcome.NOT_COVERED, detail)
        elif place in canaries.arrived_in(headers):
            yield _path(place, Outcome.CLEAN)
        else:
            yield _path(place, Outcome.OFF, "it is not propagated")


def _early_tracers(provider: object) -> Iterator[CheckedPath]:
    """Name the tracers that were made before the provider got its present processor: they keep the former."""
    processor = getattr(provider, sdk_records.SPAN_PROCESSORS.of_provider, None)
    tracers = list(getattr(provider, "_tracers", {}).values())
    early = [one for one in tracers if getattr(one, "span_processor", processor) is not processor]
    if early:
        detail = f"{len(early)} tracers are older than the provider's present processor and bypass it"
        yield _path("tracers", Outcome.BYPASS, detail)


def _sdk_provider(provider: object, kind: type[Any]) -> object:
    """Return the SDK's provider, also where another (logfire's, say) holds it; None where there is none."""
    parts = getattr(provider, "__dict__", {}).values()
    return next((one for one in (provider, *parts) if issubclass(type(one), kind)), None)


def _without_sdk(signal: str, provider: object) -> CheckedPath:
    name = type(provider).__name__
    if name.startswith(("Proxy", "NoOp", "_Proxy", "Default")):
        return _path(signal, Outcome.OFF, "there is no provider")
    return _path(signal, Outcome.NOT_COVERED, f"{name} is not a provider of the SDK")


def _flush(pipeline: Pipeline) -> None:
    for processor in pipeline.buffering:
        flush = getattr(processor, "force_flush", None)
        if flush is not None:
            flush(1_000)
