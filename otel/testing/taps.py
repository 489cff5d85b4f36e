"""Taps: what carries the check's trace id is captured at the last step, all else takes its usual way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
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

_Call = Callable[..., Any]
_Tap = tuple[Any, str, _Call]
"""Whose method is swapped, its name, and what takes its place."""


class Taps:
    """Captures at the ends of pipelines.

    Args:
        run: The check's trace id, 32 hex digits.
        counters: Count nothing of the check's.
        captured: Gets through what each thing would have left, and all its texts.
    """

    def __init__(self, run: str, counters: Counters, captured: list[tuple[str, bytes]]) -> None:
        self._trace_id = int(run, 16)
        self._counters = counters
        self._captured = captured
        self._rehearsing: ContextVar[bool] = ContextVar("sentry_filters_rehearsing", default=False)

    @contextmanager
    def on(self, pipeline: Pipeline) -> Iterator[None]:
        """Tap a pipeline for the time of the block.

        Raises:
            TypeError: A part of it has no attributes of its own.
        """
        with ExitStack() as stack:
            for tap in self._taps_of(pipeline):
                stack.enter_context(_swapped(*tap))
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

    def _taps_of(self, pipeline: Pipeline) -> Iterator[_Tap]:
        """Yield them one by one: a later tap of the same method calls the earlier one."""
        for batch in pipeline.batches:
            yield self._by_item(batch, "emit", self._at_once(batch))
        for guarded in pipeline.choke_points:
            name = "on_end" if hasattr(guarded, "on_end") else "on_emit"
            # Also on threads that are not the check's.
            yield self._by_item(guarded, name, _within(self._counters.paused, getattr(guarded, name)))
        for exporter in pipeline.outermost:
            if not any(exporter is leaf for leaf in pipeline.leaves):
                yield self._by_batch(exporter, _within(self.rehearsing, exporter.export))
        for leaf in pipeline.leaves:
            yield from self._taps_of_leaf(leaf, pipeline.name_of(leaf))

    def _taps_of_leaf(self, leaf: object, sink: str) -> Iterator[_Tap]:
        def capture(telemetry: Any, *_args: Any, **_options: Any) -> object:
            if not is_sentrys(leaf):
                self._captured.append((sink, bytes_of(telemetry)))
            return _success(leaf)

        if is_exporter(leaf):
            yield self._by_batch(leaf, capture)
            return
        for name in ("on_start", "on_end") if is_sentrys(leaf) else ("on_end", "on_emit"):
            if hasattr(leaf, name):
                yield self._by_item(leaf, name, capture)

    def _by_item(self, processor: Any, name: str, ours: Callable[[Any], object]) -> _Tap:
        """Hand `ours` what is the check's; everything else takes its usual way and is counted."""
        others = _within(self._counters.resumed, getattr(processor, name))

        def call(item: Any, *args: Any, **options: Any) -> None:
            if self._is_ours(item):
                ours(item)
            else:
                others(item, *args, **options)

        return processor, name, call

    def _by_batch(self, exporter: Any, ours: _Call) -> _Tap:
        """As `_by_item`, for the two parts of a batch."""
        others = _within(self._counters.resumed, exporter.export)

        def export(batch: Any, *args: Any, **options: Any) -> Any:
            result: Any = _success(exporter)
            of_check, of_others = self._parted(exporter, batch)
            if of_check:
                result = ours(of_check, *args, **options)
            if of_others:
                result = others(of_others, *args, **options)
            return result

        return exporter, "export", export

    def _at_once(self, batch: BatchProcessor[Any]) -> Callable[[Any], object]:
        """Hand an item to the exporter at once: nobody waits, nothing of others is flushed."""
        return _within(self.rehearsing, lambda item: batch._exporter.export([item]))

    def _parted(self, exporter: object, batch: Any) -> tuple[Any, Any]:
        if self._rehearsing.get():
            return batch, None
        if isinstance(exporter, MetricExporter):
            return None, batch
        items = list(batch)
        return (
            [item for item in items if self._is_ours(item)],
            [item for item in items if not self._is_ours(item)],
        )

    def _is_ours(self, item: Any) -> bool:
        context = getattr(item, "log_record", None) or getattr(item, "context", None)
        return context is not None and context.trace_id == self._trace_id


def _within(block: Callable[[], AbstractContextManager[None]], usual: _Call) -> _Call:
    def call(*args: Any, **options: Any) -> Any:
        with block():
            return usual(*args, **options)

    return call


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


def _success(exporter: object) -> object:
    if isinstance(exporter, MetricExporter):
        return MetricExportResult.SUCCESS
    if isinstance(exporter, LogRecordExporter):
        return LogRecordExportResult.SUCCESS
    return SpanExportResult.SUCCESS
