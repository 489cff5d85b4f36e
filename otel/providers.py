"""`instrument`: one call that puts a guard into the SDK's providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from weakref import WeakSet

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk import _logs as sdk_logs
from opentelemetry.sdk import metrics as sdk_metrics
from opentelemetry.sdk import trace as sdk_trace

from sentry_filters import SessionGuard
from sentry_filters.guard import parts_of

from .logs import GuardedLogRecordProcessor
from .redaction import sdk_records
from .spans import GuardedSpanProcessor
from .telemetry import emit_session_expired, observe_counters

_Provider = TypeVar("_Provider")


class _Observers(WeakSet[object]):
    """The providers that one guard's counters or expiries reach already."""

    def is_new(self, provider: object) -> bool:
        """Say whether it was not asked about before."""
        new = provider not in self
        self.add(provider)
        return new


def instrument(
    guard: SessionGuard,
    *,
    tracer_provider: trace.TracerProvider | None = None,
    logger_provider: _logs.LoggerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
) -> None:
    """Guard the SDK's providers, and let them export the guard's counters and `session.expired` events.

    The guard is put in front of every processor of the tracer and the logger provider, including those that
    are added later, whichever tracer or logger is used. Metrics have no processors: wrap their exporters in
    `RedactingMetricExporter`. Call it at start-up, on one thread; a second call changes nothing.

    Args:
        guard: The application's guard.
        tracer_provider: By default the global one, if one is set; the same goes for the others.
        logger_provider: Also exports `session.expired`.
        meter_provider: Exports the counters.

    Raises:
        TypeError: A provider is not of the SDK, or has a processor that nothing can be put into, or one that
            is guarded in part; or there is no provider. The message says what to write instead.
    """
    tracers = _of_sdk("tracer_provider", tracer_provider, trace.get_tracer_provider, sdk_trace.TracerProvider)
    loggers = _of_sdk("logger_provider", logger_provider, _logs.get_logger_provider, sdk_logs.LoggerProvider)
    meters = _of_sdk("meter_provider", meter_provider, metrics.get_meter_provider, sdk_metrics.MeterProvider)
    if tracers is None and loggers is None and meters is None:
        raise TypeError("no provider to instrument; expected the SDK's as arguments, or set before this call")
    observed: _Observers = parts_of(guard).extensions.setdefault("otel.observers", _Observers())
    if tracers is not None:
        _put_before_all(tracers, sdk_records.SPAN_PROCESSORS, GuardedSpanProcessor, guard)
    if loggers is not None:
        _put_before_all(loggers, sdk_records.LOG_PROCESSORS, GuardedLogRecordProcessor, guard)
        if observed.is_new(loggers):
            emit_session_expired(guard, loggers)
    if meters is not None and observed.is_new(meters):
        observe_counters(guard, meters)


def _of_sdk(
    name: str, given: object, current: Callable[[], object], kind: type[_Provider]
) -> _Provider | None:
    provider = current() if given is None else given
    if isinstance(provider, kind):
        return provider
    if given is None and type(provider).__module__.startswith("opentelemetry."):
        return None  # the API's own: none is set
    raise TypeError(
        f"invalid {name} {provider!r}; expected a {kind.__name__} of the SDK: put guarded processors or "
        f"redacting exporters around those that this one is configured with"
    )


def _put_before_all(
    provider: object,
    seam: sdk_records.ProcessorsSeam,
    guarded: type[GuardedSpanProcessor] | type[GuardedLogRecordProcessor],
    guard: SessionGuard,
) -> None:
    """Let what a provider, and all that it has made, hands its records to have one processor: the guard's."""
    first = getattr(provider, seam.of_provider, None)
    if _is_of(guard, first, guarded):
        return
    processors = getattr(first, seam.processors) if isinstance(first, seam.kind) else (first,)
    ours = [one for one in processors if _is_of(guard, one, guarded)]
    if not isinstance(first, seam.kind) or (ours and len(processors) > 1):
        raise TypeError(
            f"invalid processors {[type(one).__name__ for one in processors]} of {type(provider).__name__}; "
            f"expected some that the guard can be put before: make the provider with "
            f"{seam.of_provider[1:]}={guarded.__name__}(guard), and add the processors then"
        )
    if not ours:
        ours = [guarded(guard, *processors)]
        setattr(first, seam.processors, tuple(ours))
    # Those that are added later are added behind the guard.
    setattr(first, seam.add, getattr(ours[0], seam.add))


def _is_of(guard: SessionGuard, processor: object, guarded: type) -> bool:
    return isinstance(processor, guarded) and getattr(processor, "_guard", None) is guard
