"""What people see in Sentry: one informational item for each expiry, and what was dropped by which rule.

All of it is sent from the bus's thread, never from inside a hook.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import sentry_sdk
from sentry_sdk import logger as sentry_logger
from sentry_sdk import metrics as sentry_metrics
from sentry_sdk.types import Event

from sentry_filters.core import (
    EXPIRY_EXTRA,
    AuditTrail,
    Backends,
    EventBus,
    SessionExpired,
    expiry_attributes,
)
from sentry_filters.forking import after_fork_in_child

_LOGGER = "sentry_filters"

DECISIONS = "sentry_filters.decisions"
"""The metric of what was dropped or demoted: by signal, verdict and reason, as the counter of that name."""

# Enough for a storm to become a few metrics instead of thousands.
_GATHER_SECONDS = 1.0
_NAME = "session_expired"


class SentrySignals:
    """Announces expiries, and sends metrics of what was dropped. Never raises; nothing without Sentry.

    Args:
        backends: Say what Sentry gets of each one's expiries (`sentry_signal`); the metrics are of all of
            them, and sent unless each one says `"none"`.
        trail: Its counters say what was dropped; faults are noted there.
        reporting: Set while Sentry gets what our own hooks must leave alone.
    """

    _due: bool

    def __init__(self, backends: Backends, trail: AuditTrail, reporting: ContextVar[bool]) -> None:
        self._signals = {policy.source: policy.sentry_signal for policy in backends.policies}
        self._is_silent = set(self._signals.values()) == {"none"}
        self._counters = trail.counters
        self._fault = trail.fault
        self._reporting = reporting
        self._start_afresh()
        after_fork_in_child(self._start_afresh)

    def attach(self, bus: EventBus) -> None:
        """Announce what `bus` carries, on a thread of the bus."""
        self._bus = bus
        if not self._is_silent:
            self._subscription = bus.observe(self._announce)

    def dropped(self) -> None:
        """Take note that something was dropped: within a second, its metrics are sent. Returns at once."""
        if self._due or self._is_silent:
            return
        self._due = True
        try:
            self._subscription.run_later(self._send_metrics, _GATHER_SECONDS)
        except Exception as error:  # noqa: BLE001 - no thread: the next drop tries again
            self._due = False
            self._fault("sentry_signal", error)

    def _announce(self, event: SessionExpired) -> None:
        attributes = expiry_attributes(event, handled=self._bus.is_listening)
        signal = self._signals.get(event.source)
        with self._sending():
            if signal == "log" and _are_logs_enabled():
                sentry_logger.info(
                    "the {provider} session has expired", provider=event.provider, attributes=attributes
                )
            elif signal == "event":
                sentry_sdk.capture_event(_event(event, attributes))

    def _send_metrics(self) -> None:
        self._due = False
        count: Callable[..., object] | None = getattr(sentry_metrics, "count", None)
        client = sentry_sdk.get_client()
        if count is None or not client.is_active() or client.options.get("enable_metrics") is False:
            return
        with self._sending():
            for (signal, verdict, reason), more in self._news():
                attributes = {"signal": signal, "verdict": verdict, "reason": reason}
                count(DECISIONS, more, attributes=attributes)

    def _news(self) -> Iterator[tuple[tuple[str, str, str], int]]:
        for key, number in self._counters.counts().items():
            if key[0] != "decisions" or key[2] == "keep":
                continue
            more = number - self._sent[key]
            if more > 0:
                self._sent[key] = number
                yield (key[1], key[2], key[3]), more

    @contextmanager
    def _sending(self) -> Iterator[None]:
        token = self._reporting.set(True)
        try:
            yield
        except Exception as error:  # noqa: BLE001 - what is only informative must not look like a handler's failure
            self._fault("sentry_signal", error)
        finally:
            self._reporting.reset(token)

    def _start_afresh(self) -> None:
        # A child counts from 0 again.
        self._due = False
        self._sent: Counter[tuple[str, ...]] = Counter()


def is_warning_of_expiry(log: Mapping[str, object]) -> bool:
    """Say whether a log is the WARNING of an expiry, as Sentry's logging integration hands it on.

    In Sentry the informational item stands for it.
    """
    attributes = log.get("attributes")
    return (
        isinstance(attributes, Mapping)
        and attributes.get("logger.name") == _LOGGER
        and EXPIRY_EXTRA in attributes
    )


def _are_logs_enabled() -> bool:
    # Newer releases send what is logged by their own API in any case; the option still says what is wanted.
    client = sentry_sdk.get_client()
    experiments = client.options.get("_experiments") or {}
    integration = client.get_integration("logging")
    return bool(
        client.options.get("enable_logs")
        or experiments.get("enable_logs")
        or getattr(integration, "capture_sentry_logs", None) is True
    )


def _event(event: SessionExpired, attributes: dict[str, str | int | bool]) -> Event:
    return {
        "level": "info",
        "logger": _LOGGER,
        "message": f"the {event.provider} session has expired",
        "fingerprint": [_NAME, event.source],
        "tags": {_NAME: "announced"},
        "contexts": {_NAME: dict[str, object](attributes)},
    }
