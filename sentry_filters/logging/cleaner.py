"""What the filter and the processor have in common: redacting and counting."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Protocol, TypeAlias

from sentry_filters.core import Counters
from sentry_filters.redaction import Redactor

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]


class Guard(Protocol):
    """A `SessionGuard`, as far as it is needed."""

    @property
    def redactor(self) -> Redactor:
        """What redacts."""

    @property
    def counters(self) -> Counters:
        """Where it is counted."""


class Cleaner:
    """Redacts values and counts it under the signal `logging`, where there is a guard to count for.

    Args:
        redactor_or_guard: A `Redactor`, which counts nothing, or a guard.

    Raises:
        TypeError: It is neither.
    """

    def __init__(self, redactor_or_guard: Redactor | Guard) -> None:
        redactor = getattr(redactor_or_guard, "redactor", redactor_or_guard)
        if not isinstance(redactor, Redactor):
            raise TypeError(f"invalid redactor {redactor_or_guard!r}; expected a Redactor or a SessionGuard")
        self._redactor = redactor
        self._counters: Counters | None = getattr(redactor_or_guard, "counters", None)

    def value(self, value: object) -> object:
        """Return a copy of `value` without secrets; the identical object where there are none."""
        scrubbed = self._redactor.scrub(value)
        if self._counters is not None:
            for finding in scrubbed.findings:
                self._counters.add("redactions", "logging", finding.kind)
        return scrubbed.value

    def text(self, text: str) -> str:
        """Return `text` without secrets; the identical object where there are none."""
        return str(self.value(text))

    def withheld(self) -> None:
        """Count a record that could not be redacted."""
        if self._counters is not None:
            self._counters.add("faults", "logging")
            self._counters.saw("logging", "withheld", "fault")


def format_exception(exc_info: ExcInfo) -> str:
    """Return an exception as the standard library's formatter writes it."""
    return "".join(traceback.format_exception(*exc_info)).removesuffix("\n")
