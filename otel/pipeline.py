"""The way of one item through a guard, for spans and log records: judged, redacted, counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from opentelemetry.util.types import AnyValue

from sentry_filters import SessionGuard
from sentry_filters.guard import parts_of

from .redaction import Accounts, Cleaner, Tally

Outcome = Literal["exported", "dropped", "demoted", "pending"]
Attributes = dict[str, AnyValue]

_Item = TypeVar("_Item")
Judge = Callable[[_Item, Attributes], tuple[Outcome, _Item | None]]
"""Returns what becomes of an item with these attributes, and the item to export, if any."""


class Pipeline(Generic[_Item]):
    """Lets items leave as far as they may. Thread-safe.

    Fails closed: an item that cannot be redacted is withheld and counted. Recognition that fails keeps it.
    Only what is not an `Exception` (KeyboardInterrupt and the like) is raised; the item is withheld then too.

    Args:
        signal: `span` or `log`.
        guard: The application's guard.
    """

    # Those of the signal; a subclass sets them.
    _attributes_of: Callable[[_Item], Attributes]
    _is_healthy: Callable[[_Item, Attributes], bool]
    _is_clean: Callable[[_Item, Attributes], bool]
    _clean: Callable[[_Item, Attributes | None], _Item]

    def __init__(self, signal: str, guard: SessionGuard) -> None:
        self._signal = signal
        self._fault = parts_of(guard).trail.fault
        self._is_shadow = parts_of(guard).decider.is_shadow
        self._accounts = Accounts(signal, guard.counters)
        self._healthy = Tally(self._accounts.count_exported)
        guard.counters.settle_with(self._healthy.settle)
        self._cleaner = Cleaner(guard.redactor, self._accounts.count_redaction)

    def _has_nothing_to_do(self, item: _Item) -> bool:
        """Say cheaply whether the item is certainly healthy and clean."""
        try:
            attributes = self._attributes_of(item)
            return self._is_healthy(item, attributes) and self._is_clean(item, attributes)
        except Exception:  # noqa: BLE001 - whatever it is, the careful way meets it again, and counts it
            return False

    def _result(self, item: _Item, judge: Judge[_Item]) -> _Item | None:
        """Return what may leave of `item`, None where nothing may, or not yet."""
        try:
            attributes = self._attributes_of(item)
            outcome, judged = self._judged(item, attributes, judge)
            if outcome == "pending":
                return None
            if self._is_shadow:  # it was decided and counted, and leaves as it came
                outcome, judged = "exported", item
            if judged is not None:
                judged = self._clean(judged, attributes if judged is item else None)
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
