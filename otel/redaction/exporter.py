"""What exporters that redact do for every signal that comes in batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from sentry_filters import Counters, Redactor

from .accounts import Accounts
from .cleaner import Cleaner
from .contents import Cleaned

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
        looked_at = self._looked_at(batch)

        def cleaned(item: _Item) -> _Item:
            known = looked_at.get(id(item))
            return self._read(item, self._look((item,))[0] if known is None else known)

        kept = self._accounts.clean_each(batch, cleaned)
        self._accounts.count_exported(len(kept))
        return kept

    def _looked_at(self, batch: Sequence[_Item]) -> dict[int, Cleaned]:
        try:
            return dict(zip(map(id, batch), self._look(batch), strict=True))
        except Exception:  # noqa: BLE001 - whatever it is, each item is looked at by itself then
            return {}

    @abstractmethod
    def _look(self, batch: Sequence[_Item]) -> Sequence[Cleaned]:
        """Return what `_read` needs of each item, by one look at the batch."""

    @abstractmethod
    def _read(self, item: _Item, cleaned: Cleaned) -> _Item:
        """Return the item without secrets."""
