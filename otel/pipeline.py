"""The way of one item through a guard, for spans and log records: judged, redacted, counted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, Literal, TypeVar

from opentelemetry.util.types import AnyValue

from sentry_filters import SessionGuard
from sentry_filters.guard import parts_of

from .redaction import Accounts, Cleaned, Cleaner, Fields, Reader, Tally

Outcome = Literal["exported", "dropped", "demoted", "pending"]
Attributes = dict[str, AnyValue]

_Item = TypeVar("_Item")
Judge = Callable[[_Item, Attributes], tuple[Outcome, _Item | None]]
"""Returns what becomes of an item with these attributes, and the item to export, if any."""


class Pipeline(Generic[_Item]):
    """Lets items leave as far as they may. Thread-safe.

    Judges an item at once. Redacts it at once where it is an exporter's, else when it is first read: what is
    queued costs the application's thread next to nothing.

    Fails closed: an item that cannot be redacted is withheld and counted: all of it, or, where it was handed
    on already, all that it says. Recognition that fails keeps it.
    Only what is not an `Exception` (KeyboardInterrupt and the like) is raised; the item is withheld then too.

    Args:
        signal: `span` or `log`.
        guard: The application's guard.
        reads_later: Whether items that are handed on may wait for their first reader.
    """

    # Those of the signal; a subclass sets them.
    _attributes_of: Callable[[_Item], Attributes]
    _is_healthy: Callable[[_Item], bool]
    _are_clean: Callable[[Sequence[_Item]], bool]
    _clean: Callable[[_Item], _Item]

    def __init__(self, signal: str, guard: SessionGuard, *, reads_later: bool) -> None:
        self._signal = signal
        self._reads_later = reads_later
        self._is_rehearsal = guard.counters.is_paused
        self._fault = parts_of(guard).trail.fault
        self._is_shadow = parts_of(guard).decider.is_shadow
        self._accounts = Accounts(signal, guard.counters)
        self._healthy = Tally(self._accounts.count_exported)
        guard.counters.settle_with(self._healthy.settle)
        self._cleaner = Cleaner(guard.redactor, self._accounts.count_redaction)
        self._reader: Reader[_Item] = Reader(
            look=self._look,
            read=self._fields,
            withheld=self._withheld,
            generation=lambda: guard.redactor.generation,
        )

    @abstractmethod
    def _unread(self, item: _Item) -> _Item | None:
        """Return the item as one that is redacted when it is read, None where it is not the SDK's own."""

    @abstractmethod
    def _look(self, items: Sequence[_Item]) -> Sequence[Cleaned]:
        """Look at items that are being read."""

    @abstractmethod
    def _fields(self, item: _Item, cleaned: Cleaned) -> Fields:
        """Return what may be read of an item."""

    @abstractmethod
    def _fields_of_withheld(self, item: _Item) -> Fields:
        """Return what may be read of an item that could not be redacted. It does not raise."""

    def _at_once(self, item: _Item) -> _Item | None:
        """Return what leaves of an item that is certainly healthy, None where it has to be looked at more."""
        try:
            if not self._is_healthy(item):
                return None
            leaves = self._later(item)
            if leaves is None and self._are_clean((item,)):
                leaves = item
        except Exception:  # noqa: BLE001 - whatever it is, the careful way meets it again, and counts it
            return None
        if leaves is not None:
            self._healthy.tick()
        return leaves

    def _later(self, item: _Item) -> _Item | None:
        # A rehearsal's redactions are not counted: they are made where that is known.
        return self._unread(item) if self._reads_later and not self._is_rehearsal() else None

    def _withheld(self, item: _Item, error: Exception) -> Fields:
        self._fault(self._signal, error)
        self._healthy.take_back()
        self._accounts.count("withheld", "fault")
        return self._fields_of_withheld(item)

    def _result(self, item: _Item, judge: Judge[_Item]) -> _Item | None:
        """Return what may leave of `item`, None where nothing may, or not yet."""
        try:
            attributes = self._attributes_of(item)
            outcome, judged = self._judged(item, attributes, judge)
            if outcome == "pending":
                return None
            if self._is_shadow:  # it was decided and counted, and leaves as it came
                outcome, judged = "exported", item
            unread = self._later(judged) if judged is not None and outcome == "exported" else None
            if unread is not None:
                judged = unread
            elif judged is not None:
                judged = self._clean(judged)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever an item or the redactor raises
            self._fault(self._signal, error)
            self._accounts.count("withheld", "fault")
            return None
        except BaseException:  # raised again: an interrupt is the application's, the item stays here
            self._accounts.count("withheld", "interrupted")
            raise
        self._accounts.count(outcome)
        return judged

    def _judged(
        self, item: _Item, attributes: Attributes, judge: Judge[_Item]
    ) -> tuple[Outcome, _Item | None]:
        try:
            return judge(item, attributes)
        except Exception as error:  # noqa: BLE001 - a fault of ours keeps the item; it is redacted all the same
            self._fault(f"recognise_{self._signal}", error)
            return "exported", item
