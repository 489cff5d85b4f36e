"""Counts what an exporter redacts and withholds, and tells once that something was withheld."""

from __future__ import annotations

import logging

from sentry_filters import Counters

_log = logging.getLogger("sentry_filters")


class Withheld:
    """Counts, where there are counters; logs the first thing withheld at WARNING, without its payload.

    Args:
        signal: What is withheld.
        counters: Where it is counted.
    """

    def __init__(self, signal: str, counters: Counters | None) -> None:
        self._signal = signal
        self._counters = counters
        self._told = False

    def tell(self, cause: str, error: BaseException | None) -> None:
        """Note that one item was withheld."""
        if self._counters is not None:
            self._counters.saw(self._signal, "withheld", cause)
        if not self._told:
            self._told = True
            reason = cause if error is None else type(error).__name__
            _log.warning("a %s is withheld (%s); further ones are not logged", self._signal, reason)

    def count_exported(self, number: int) -> None:
        """Note that `number` items were handed on."""
        if self._counters is not None and number:
            self._counters.saw(self._signal, "exported", by=number)

    def count_redaction(self, kind: str) -> None:
        """Note that a secret of this kind was replaced."""
        if self._counters is not None:
            self._counters.add("redactions", self._signal, kind)
