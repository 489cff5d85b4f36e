"""Taps: what carries the check's trace id is captured at the last step, all else takes its usual way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk._shared_internal import BatchProcessor
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.trace.export import SpanExportResult

from sentry_filters import Counters

from .pipelines import Pipeline, is_exporter, is_sentrys
from .texts import bytes_of

__all__ = ["Taps"]


class Taps:
    """Captures at the ends of pipelines.

    Args:
        run: The check's trace id, 32 hex digits.
        counters: Count nothing of the check's.
    """

    def __init__(self, run: str, counters: Counters) -> None:
        self.captured: list[tuple[str, bytes]] = []
        """Through what each thing would have left, and all its texts."""
        self._trace_id = int(run, 16)
        self._counters = counters
        self._rehearsing: ContextVar[bool] = ContextVar("sentry_filters_rehearsing", default=False)

    @contextmanager
    def on(self, pipeline: Pipeline) -> Iterator[None]:
        """Tap a pipeline for the time of the block.

        Raises:
            TypeError: A part of it has no attributes of its own.
        """
        with ExitStack() as stack:
            for batch in pipeline.batches:
                stack.enter_context(_swapped(batch, "emit", self._at_once(batch)))
            for guarded in pipeline.choke_points:
                name = "on_end" if hasattr(guarded, "on_end") else "on_emit"
                stack.enter_context(_swapped(guarded, name, self._uncounted(guarded, name)))
            for exporter in pipeline.outermost:
                if not _is_in(exporter, pipeline.leaves):
                    stack.enter_context(_swapped(exporter, "export", self._apart(exporter)))
            for leaf in pipeline.leaves:
                for name, tap in self._taps_of(leaf, pipeline.name_of(leaf)).items():
                    stack.enter_context(_swapped(leaf, name, tap))
            yield

    @contextmanager
    def rehearsing(self) -> Iterator[None]:
        """Take everything that this context hands to an exporter for the check's own."""
        token = self._rehearsing.set(True)
        try:
            with self._counters.paused():
                yield
        finally:
            self._rehearsing.reset(token)

    def _taps_of(self, leaf: object, sink: str) -> Mapping[str, Callable[..., Any]]:
        if is_exporter(leaf):
            return {"export": self._captured_export(leaf, sink)}
        names = ("on_start", "on_end") if is_sentrys(leaf) else ("on_end", "on_emit")
        return {name: self._captured_call(leaf, name, sink) for name in names if hasattr(leaf, name)}

    def _at_once(self, batch: BatchProcessor[Any]) -> Callable[[Any], None]:
        """Hand what is the check's to the exporter at once: nobody waits, nothing of others is flushed."""
        usual, exporter = batch.emit, batch._exporter

        def emit(item: Any) -> None:
            if not self._is_ours(item):
                usual(item)
                return
            with self.rehearsing():
                exporter.export([item])

        return emit

    def _uncounted(self, processor: Any, name: str) -> Callable[[Any], None]:
        """Keep what is the check's out of the counts also on threads that are not the check's."""
        usual = getattr(processor, name)

        def call(item: Any) -> None:
            if self._is_ours(item):
                with self._counters.paused():
                    usual(item)
            else:
                with self._counters.resumed():
                    usual(item)

        return call

    def _apart(self, exporter: Any) -> Callable[..., Any]:
        usual = exporter.export

        def export(batch: Any, *args: Any, **options: Any) -> Any:
            if isinstance(exporter, MetricExporter) or self._rehearsing.get():
                return usual(batch, *args, **options)
            ours, others = self._parted(batch)
            result: Any = None
            if ours:
                with self.rehearsing():
                    result = usual(ours, *args, **options)
            if others or not ours:
                with self._counters.resumed():
                    result = usual(others, *args, **options)
            return result

        return export

    def _captured_export(self, exporter: Any, sink: str) -> Callable[..., Any]:
        usual = exporter.export

        def export(batch: Any, *args: Any, **options: Any) -> Any:
            if self._rehearsing.get():
                ours, others = batch, None
            elif isinstance(exporter, MetricExporter):
                ours, others = None, batch
            else:
                ours, others = self._parted(batch)
            if ours:
                self.captured.append((sink, bytes_of(ours)))
            return usual(others, *args, **options) if others else _success(exporter)

        return export

    def _captured_call(self, processor: Any, name: str, sink: str) -> Callable[..., None]:
        usual = getattr(processor, name)

        def call(item: Any, *args: Any, **options: Any) -> None:
            if not self._is_ours(item):
                usual(item, *args, **options)
            elif not is_sentrys(processor):
                self.captured.append((sink, bytes_of(item)))

        return call

    def _parted(self, batch: Iterable[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        items = list(batch)
        ours = [item for item in items if self._is_ours(item)]
        return ours, [item for item in items if not self._is_ours(item)]

    def _is_ours(self, item: Any) -> bool:
        record = getattr(item, "log_record", None)
        if record is not None:
            return bool(record.trace_id == self._trace_id)
        context = getattr(item, "context", None)
        return context is not None and context.trace_id == self._trace_id


@contextmanager
def _swapped(holder: object, name: str, value: object) -> Iterator[None]:
    """Let `holder.name` be `value` in the block; afterwards it is as before, whatever the block raises.

    Raises:
        TypeError: The object has no attributes of its own.
    """
    own = vars(holder)
    had, old = name in own, own.get(name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        if had:
            setattr(holder, name, old)
        else:
            delattr(holder, name)


def _is_in(part: object, parts: Iterable[object]) -> bool:
    return any(part is one for one in parts)


def _success(exporter: object) -> object:
    if isinstance(exporter, MetricExporter):
        return MetricExportResult.SUCCESS
    if isinstance(exporter, LogRecordExporter):
        return LogRecordExportResult.SUCCESS
    return SpanExportResult.SUCCESS
