"""What exporters that redact do for every signal that comes in batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from sentry_filters import Counters, Redactor

from .accounts import Accounts
from .cleaner import Cleaner

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_In_contra = TypeVar("_In_contra", contravariant=True)
_Out_co = TypeVar("_Out_co", covariant=True)


class _Exporter(Protocol[_In_contra, _Out_co]):
    def export(self, batch: Sequence[_In_contra], /) -> _Out_co: ...
    def shutdown(self) -> None: ...
    def force_flush(self, timeout_millis: int = ...) -> bool: ...


class WrappingExporter(Generic[_Item, _Result]):
    """Hands what it keeps of each batch to another exporter, whose results and exceptions stay as they are.

    Args:
        exporter: Gets what is kept.
    """

    success: _Result
    """What a batch of which nothing is kept results in."""

    def __init__(self, exporter: _Exporter[_Item, _Result]) -> None:
        self._exporter = exporter

    def export(self, batch: Sequence[_Item]) -> _Result:
        """Export what may leave of the batch."""
        kept = self._kept(batch)
        return self._exporter.export(kept) if kept or not batch else self.success

    def shutdown(self) -> None:
        """As the exporter's."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """As the exporter's."""
        return self._exporter.force_flush(timeout_millis)

    @abstractmethod
    def _kept(self, batch: Sequence[_Item]) -> Sequence[_Item]:
        """Return what may leave of the batch."""


class RedactingExporter(WrappingExporter[_Item, _Result]):
    """Redacts batches of one signal, as `RedactingSpanExporter` describes it."""

    signal: ClassVar[str]

    def __init__(
        self, exporter: _Exporter[_Item, _Result], redactor: Redactor, *, counters: Counters | None = None
    ) -> None:
        super().__init__(exporter)
        self._accounts = Accounts(self.signal, counters)
        self._cleaner = Cleaner(redactor, self._accounts.count_redaction)

    def _kept(self, batch: Sequence[_Item]) -> Sequence[_Item]:
        kept = batch if self._is_certainly_clean(batch) else self._accounts.clean_each(batch, self._clean)
        self._accounts.count_exported(len(kept))
        return kept

    def _is_certainly_clean(self, batch: Sequence[_Item]) -> bool:
        try:
            return self._are_clean(batch)
        except Exception:  # noqa: BLE001 - whatever it is, each item is looked at by itself then
            return False

    @abstractmethod
    def _are_clean(self, batch: Sequence[_Item]) -> bool:
        """Say whether there is certainly nothing to redact, by one look at the batch."""

    @abstractmethod
    def _clean(self, item: _Item) -> _Item:
        """Return the item without secrets."""
