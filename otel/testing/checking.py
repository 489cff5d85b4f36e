"""The check of a process's OpenTelemetry providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from sentry_filters.testing import Canaries, CheckedPath, Outcome, Report
from sentry_filters.testing.checking import checked
from sentry_filters.testing.rehearsal import Rehearsal

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
        guard: That should stand before everything.
        tracer_provider: The global one by default.
        logger_provider: The global one by default.
        meter_provider: The global one by default.
    """

    def edge(guard: SessionGuard, canaries: Canaries, rehearsal: Rehearsal) -> Iterator[CheckedPath]:
        providers = _Providers(
            tracer_provider or trace.get_tracer_provider(),
            logger_provider or get_logger_provider(),
            meter_provider or get_meter_provider(),
        )
        return _Check(guard, providers, canaries, rehearsal).paths()

    return checked(guard, {_NAME: edge})


def check_global_providers(
    guard: SessionGuard, canaries: Canaries, rehearsal: Rehearsal
) -> Iterator[CheckedPath]:
    """Check the global providers; the entry point that `sentry_filters.testing.check` finds."""
    providers = _Providers(trace.get_tracer_provider(), get_logger_provider(), get_meter_provider())
    return _Check(guard, providers, canaries, rehearsal).paths()


@dataclass(frozen=True, slots=True)
class _Providers:
    tracer: object
    logger: object
    meter: object


class _Check:
    def __init__(
        self, guard: SessionGuard, providers: _Providers, canaries: Canaries, rehearsal: Rehearsal
    ) -> None:
        self._guard = guard
        self._providers = providers
        self._canaries = canaries
        self._rehearsal = rehearsal
        self._taps = Taps(canaries.run, guard.counters)

    def paths(self) -> Iterator[CheckedPath]:
        spans = _sdk_provider(self._providers.tracer, sdk_trace.TracerProvider)
        yield from _early_tracers(spans)
        yield from self._processed(
            "span", self._providers.tracer, getattr(spans, "_active_span_processor", None), signals.end_span
        )
        logs = _sdk_provider(self._providers.logger, sdk_logs.LoggerProvider)
        yield from self._processed(
            "log",
            self._providers.logger,
            getattr(logs, "_multi_log_record_processor", None),
            signals.emit_log,
        )
        yield from self._metrics()
        yield from self._headers()

    def _processed(
        self, signal: str, provider: object, processor: object, send: Callable[[Canaries, Any], None]
    ) -> Iterator[CheckedPath]:
        if processor is None:
            yield _without_sdk(signal, provider)
            return
        pipeline = Pipeline(signal, (processor,))
        if not pipeline.leaves:
            yield CheckedPath(path=f"{_NAME} {signal}", outcome=Outcome.OFF, detail="nothing is exported")
            return
        with self._taps.on(pipeline):
            yield from self._sent(signal, pipeline, lambda: send(self._canaries, processor))
            yield from self._recognised(signal, pipeline)

    def _metrics(self) -> Iterator[CheckedPath]:
        provider = _sdk_provider(self._providers.meter, sdk_metrics.MeterProvider)
        readers = getattr(provider, "_metric_readers", None)
        if readers is None:
            yield _without_sdk("metric", self._providers.meter)
            return
        pushing = [reader for reader in readers if Pipeline("metric", (reader,)).outermost]
        if pushing:
            pipeline = Pipeline("metric", pushing)
            with self._taps.on(pipeline):
                yield from self._sent("metric", pipeline, partial(self._export_metrics, pipeline))
        for reader in readers:
            if reader not in pushing and not isinstance(reader, InMemoryMetricReader):
                detail = "it hands metrics on without an exporter: nothing redacts them"
                path = f"{_NAME} metric reader {type(reader).__name__}"
                yield CheckedPath(path=path, outcome=Outcome.BYPASS, detail=detail)
        if not readers:
            yield CheckedPath(path=f"{_NAME} metric", outcome=Outcome.OFF, detail="nothing is exported")

    def _export_metrics(self, pipeline: Pipeline) -> None:
        data = signals.metrics(self._canaries)
        for exporter in pipeline.outermost:
            if data is not None and isinstance(exporter, MetricExporter):
                with self._taps.rehearsing():
                    exporter.export(data)

    def _sent(self, signal: str, pipeline: Pipeline, send: Callable[[], None]) -> Iterator[CheckedPath]:
        known = set(self._canaries.places)
        self._taps.captured.clear()
        try:
            send()
            _flush(pipeline)
        except Exception as error:  # noqa: BLE001 - what breaks here says nothing about the other signals
            detail = f"the check raised {type(error).__name__}"
            yield CheckedPath(path=f"{_NAME} {signal}", outcome=Outcome.FAULT, detail=detail)
        for leaf in pipeline.leaves:
            yield self._judged_leaf(signal, pipeline.name_of(leaf), leaf)
        if all(is_sentrys(leaf) for leaf in pipeline.leaves):
            return
        for place in self._canaries.places:
            if place not in known:
                yield self._judged(place)

    def _judged_leaf(self, signal: str, name: str, leaf: object) -> CheckedPath:
        path = f"{_NAME} {signal}s to {name}"
        if is_sentrys(leaf):
            detail = "they leave through the Sentry client"
            return CheckedPath(path=path, outcome=Outcome.NOT_COVERED, detail=detail)
        captured = [data for sink, data in self._taps.captured if sink == name]
        if any(self._canaries.leaked_in(data) for data in captured):
            detail = "it is not behind the guard"
            return CheckedPath(path=path, outcome=Outcome.BYPASS, detail=detail)
        if captured:
            return CheckedPath(path=path, outcome=Outcome.CLEAN, detail="behind the guard")
        return CheckedPath(path=path, outcome=Outcome.NOT_COVERED, detail="nothing arrived")

    def _judged(self, place: str) -> CheckedPath:
        path = f"{_NAME} {place}"
        leaks = {sink for sink, data in self._taps.captured if place in self._canaries.leaked_in(data)}
        if leaks:
            detail = f"through {', '.join(sorted(leaks))}"
            return CheckedPath(path=path, outcome=Outcome.LEAK, detail=detail)
        if any(place in self._canaries.arrived_in(data) for _, data in self._taps.captured):
            return CheckedPath(path=path, outcome=Outcome.CLEAN)
        return CheckedPath(path=path, outcome=Outcome.NOT_COVERED, detail="nothing of it arrived")

    def _recognised(self, signal: str, pipeline: Pipeline) -> Iterator[CheckedPath]:
        path = f"{_NAME} {signal} recognition"
        if not pipeline.guards:
            detail = "no guarded processor: secrets are redacted, expired sessions are exported"
            yield CheckedPath(path=path, outcome=Outcome.OFF, detail=detail)
            return
        if any(guard is not self._guard for guard in pipeline.guards):
            detail = "it is behind another guard, which would act on it"
            yield CheckedPath(path=path, outcome=Outcome.NOT_COVERED, detail=detail)
            return
        self._rehearsal.asked.clear()
        kept = self._arrives(signal, pipeline, _THIRD_PARTY)
        third = f"{path}: a third party's 401 is kept"
        if any(drop for _, drop in self._rehearsal.asked):
            yield CheckedPath(path=third, outcome=Outcome.WRONG, detail="it would be dropped")
        elif kept:
            yield CheckedPath(path=third, outcome=Outcome.CLEAN)
        else:
            yield CheckedPath(path=third, outcome=Outcome.NOT_COVERED, detail="nothing of it arrived")
        own = f"{path}: the own session's 401 is dropped"
        if signal == "span" and self._guard.policy.span_action == "demote":
            yield CheckedPath(path=own, outcome=Outcome.OFF, detail='span_action="demote" keeps it')
            return
        self._rehearsal.asked.clear()
        left = self._arrives(signal, pipeline, self._guard.policy.provider)
        if left:
            detail = f"it would be exported through {', '.join(sorted(left))}"
            yield CheckedPath(path=own, outcome=Outcome.WRONG, detail=detail)
        elif any(drop for _, drop in self._rehearsal.asked):
            yield CheckedPath(path=own, outcome=Outcome.CLEAN)
        else:
            yield CheckedPath(path=own, outcome=Outcome.NOT_COVERED, detail="nothing of it arrived")

    def _arrives(self, signal: str, pipeline: Pipeline, provider: str) -> set[str]:
        policy = self._guard.policy
        tags = {
            "domain": policy.domain,
            "operation": next(iter(policy.operations), "chat_completions"),
            "provider": provider,
            "status": str(next(iter(policy.statuses), 401)),
            "failure": "non_2xx",
        }
        self._taps.captured.clear()
        report = signals.report_span if signal == "span" else signals.report_log
        report(self._canaries, pipeline.roots[0], tags)
        _flush(pipeline)
        return {sink for sink, _ in self._taps.captured}

    def _headers(self) -> Iterator[CheckedPath]:
        headers = signals.outgoing_headers(self._canaries)
        for place in ("outgoing header: trace state", "outgoing header: baggage"):
            path = f"{_NAME} {place}"
            if place in self._canaries.leaked_in(headers):
                detail = "your code's own baggage goes out as it is; see otel.RedactingPropagator"
                yield CheckedPath(path=path, outcome=Outcome.NOT_COVERED, detail=detail)
            elif place in self._canaries.arrived_in(headers):
                yield CheckedPath(path=path, outcome=Outcome.CLEAN)
            else:
                yield CheckedPath(path=path, outcome=Outcome.OFF, detail="it is not propagated")


def _early_tracers(provider: object) -> Iterator[CheckedPath]:
    """Name the tracers that were made before the provider got its present processor: they keep the former."""
    processor = getattr(provider, "_active_span_processor", None)
    tracers = list(getattr(provider, "_tracers", {}).values())
    early = [one for one in tracers if getattr(one, "span_processor", processor) is not processor]
    if early:
        detail = f"{len(early)} tracers are older than the provider's present processor and go round it"
        yield CheckedPath(path=f"{_NAME} tracers", outcome=Outcome.BYPASS, detail=detail)


def _sdk_provider(provider: object, kind: type[Any]) -> object:
    """Return the SDK's provider, also where another (logfire's, say) holds it; None where there is none."""
    held = getattr(provider, "__dict__", {}).values()
    return next((one for one in (provider, *held) if issubclass(type(one), kind)), None)


def _without_sdk(signal: str, provider: object) -> CheckedPath:
    name = type(provider).__name__
    idle = name.startswith(("Proxy", "NoOp", "_Proxy", "Default"))
    return CheckedPath(
        path=f"{_NAME} {signal}",
        outcome=Outcome.OFF if idle else Outcome.NOT_COVERED,
        detail="there is no provider" if idle else f"{name} is no provider of the SDK",
    )


def _flush(pipeline: Pipeline) -> None:
    for processor in pipeline.buffering:
        flush = getattr(processor, "force_flush", None)
        if flush is not None:
            flush(1_000)
