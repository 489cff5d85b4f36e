"""What a provider's pipeline consists of: processors and exporters, down to those that send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk._shared_internal import BatchProcessor
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter

from sentry_filters import SessionGuard

from ..logs import GuardedLogRecordProcessor
from ..redaction import sdk_records
from ..spans import GuardedSpanProcessor

__all__ = ["Pipeline", "is_exporter", "is_sentrys"]

# What hands on what, by signal: a console's exporter of logs may well hold its exporter of spans.
_PARTS: Mapping[str, tuple[type, ...]] = {
    "span": (SpanProcessor, SpanExporter, BatchProcessor),
    "log": (LogRecordProcessor, LogRecordExporter, BatchProcessor),
    "metric": (MetricReader, MetricExporter),
}
_EXPORTERS = (SpanExporter, LogRecordExporter, MetricExporter)
_GUARDS = (GuardedSpanProcessor, GuardedLogRecordProcessor)
# What holds the processors of the SDK's multi-processors, whose members need be of no class of the SDK's.
_MEMBERS = (sdk_records.SPAN_PROCESSORS.processors, sdk_records.LOG_PROCESSORS.processors)


@dataclass(slots=True)
class Pipeline:
    """Everything that can be reached from a provider's processor, or from its metric readers.

    It is found by looking at the parts' own attributes: the SDK has no other way to ask for them.

    Args:
        signal: `span`, `log` or `metric`.
        roots: Where it begins.
    """

    signal: str
    roots: Sequence[object]
    parts: list[object] = field(default_factory=list)
    leaves: list[object] = field(default_factory=list)
    """Those that hand on to nothing that is known: they send, or do with it what they like."""
    outermost: list[Any] = field(default_factory=list)
    """The exporters that no other exporter wraps."""

    def __post_init__(self) -> None:
        for root in self.roots:
            self._walk(root, within_exporter=False)

    @property
    def guards(self) -> list[SessionGuard]:
        """The guards that its processors and exporters belong to."""
        found = (_own(part).get("_guard") for part in self.parts)
        return [guard for guard in found if isinstance(guard, SessionGuard)]

    def name_of(self, leaf: object) -> str:
        """Return the name of a leaf: its class, and a number where there are more of them."""
        alike = [one for one in self.leaves if type(one) is type(leaf)]
        number = next(at for at, one in enumerate(alike, 1) if one is leaf)
        return type(leaf).__name__ + (f" #{number}" if len(alike) > 1 else "")

    @property
    def choke_points(self) -> list[object]:
        """The guarded processors."""
        return [part for part in self.parts if isinstance(part, _GUARDS)]

    @property
    def batches(self) -> list[BatchProcessor[object]]:
        """The SDK's batch processors."""
        return [part for part in self.parts if isinstance(part, BatchProcessor)]

    def flush(self) -> None:
        """Flush processors of others that hold an exporter, and may keep back what they were given."""
        for part in self.parts:
            flush = getattr(part, "force_flush", None)
            if flush is not None and self._is_anothers_buffer(part):
                flush(1_000)

    def _is_anothers_buffer(self, part: object) -> bool:
        return (
            not is_exporter(part)
            and not type(part).__module__.startswith("opentelemetry.sdk.")
            and not isinstance(part, _GUARDS)
            and any(is_exporter(child) for child in self._children(part))
        )

    def _walk(self, part: object, *, within_exporter: bool) -> None:
        if any(part is known for known in self.parts):
            return
        self.parts.append(part)
        if is_exporter(part) and not within_exporter:
            self.outermost.append(part)
        children = list(self._children(part))
        for child in children:
            self._walk(child, within_exporter=within_exporter or is_exporter(part))
        if not children and _does_something(part):
            self.leaves.append(part)

    def _children(self, part: object) -> Iterator[object]:
        kinds = _PARTS[self.signal]
        for name, value in _own(part).items():
            if name in _MEMBERS and isinstance(value, Iterable):
                yield from value
            else:
                yield from (one for one in _in(value) if issubclass(type(one), kinds))


def is_exporter(part: object) -> bool:
    """Say whether it is an exporter of the SDK's kinds."""
    return issubclass(type(part), _EXPORTERS)


def is_sentrys(part: object) -> bool:
    """Say whether it hands spans to the Sentry client, which is checked as such."""
    return type(part).__module__.startswith("sentry_sdk.")


def _in(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple | set | frozenset) else (value,)


def _own(part: object) -> Mapping[str, object]:
    return getattr(part, "__dict__", {})


def _does_something(part: object) -> bool:
    kind = type(part)
    if any(name in _own(part) for name in _MEMBERS):
        return False  # a multi-processor without members
    if issubclass(kind, SpanProcessor):
        return kind.on_end is not SpanProcessor.on_end
    return True
