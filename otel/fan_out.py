"""Calls every processor, whatever one of them raises."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

_Processor = TypeVar("_Processor")
_Fault = Callable[[str, BaseException], None]


class _Flushes(Protocol):
    def force_flush(self, timeout_millis: int = ...) -> bool: ...


class FanOut:
    """Calls each of several processors; what one raises is a fault, and the others are called all the same.

    Args:
        place: Where the fault is.
        fault: Counts it.
    """

    def __init__(self, place: str, fault: _Fault) -> None:
        self._place = place
        self._fault = fault

    def raised(self, error: BaseException) -> None:
        """Count what a processor raised."""
        self._fault(self._place, error)

    def to_each(self, processors: Iterable[_Processor], call: Callable[[_Processor], object]) -> None:
        """Call each; an interrupt (`BaseException`) is raised once all have been called."""
        interrupt: BaseException | None = None
        for processor in processors:
            try:
                call(processor)
            except Exception as error:  # noqa: BLE001 - must neither reach the application nor stop the others
                self.raised(error)
            except BaseException as error:  # noqa: BLE001 - raised below
                interrupt = interrupt or error
        if interrupt is not None:
            raise interrupt

    def flushed(self, processors: Iterable[_Flushes], timeout_millis: int) -> bool:
        """Flush each within `timeout_millis` in all; say whether all did. One that raises did not."""
        deadline = time.monotonic() + timeout_millis / 1000
        all_flushed = True
        for processor in processors:
            left = int((deadline - time.monotonic()) * 1000)
            if left <= 0:
                return False
            try:
                # Some processors return nothing where all went well.
                all_flushed = processor.force_flush(left) is not False and all_flushed
            except Exception as error:  # noqa: BLE001 - as above
                self.raised(error)
                all_flushed = False
        return all_flushed
