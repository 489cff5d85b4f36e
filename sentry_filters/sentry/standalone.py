"""Hooks for those who register them one by one: they redact what they let through, as far as a hook can."""

from __future__ import annotations

from collections.abc import Callable

from sentry_filters.core import Counters
from sentry_filters.redaction import WITHHELD, Redactor
from sentry_filters.sentry.before_send import Hint, Payload, SentryHooks
from sentry_filters.sentry.meta import finished_event


class StandaloneHooks:
    """The recognising hooks with redaction after them. Never raise; what cannot be redacted is dropped.

    Args:
        hooks: Recognise.
        redactor: Finds and replaces secrets.
        counters: Where items are counted.
        fault: Told of every fault of our own.
    """

    def __init__(
        self,
        hooks: SentryHooks,
        redactor: Redactor,
        counters: Counters,
        fault: Callable[[str, BaseException], None],
    ) -> None:
        self._hooks = hooks
        self._redactor = redactor
        self._counters = counters
        self._fault = fault

    def before_send(self, event: Payload, hint: Hint) -> Payload | None:
        """Recognise, then redact an error event."""
        return self._redacted("event", self._hooks.before_send(event, hint))

    def before_send_transaction(self, event: Payload, hint: Hint) -> Payload | None:
        """Recognise, then redact a transaction."""
        return self._redacted("transaction", self._hooks.before_send_transaction(event, hint))

    def before_send_log(self, log: Payload, hint: Hint) -> Payload | None:
        """Recognise, then redact a log."""
        return self._redacted("log", self._hooks.before_send_log(log, hint))

    def before_send_metric(self, metric: Payload, hint: Hint) -> Payload | None:
        """Recognise, then redact a metric."""
        return self._redacted("metric", self._hooks.before_send_metric(metric, hint))

    def before_send_span(self, span: Payload, hint: Hint) -> Payload:
        """Redact a streamed span; one that cannot be redacted leaves without name and attributes."""
        del hint
        redacted = self._redacted("span", span)
        # The SDK sends the original when this hook returns None.
        return {**span, "name": WITHHELD, "attributes": {}} if redacted is None else redacted

    def before_breadcrumb(self, crumb: Payload, hint: Hint) -> Payload | None:
        """Redact a breadcrumb."""
        del hint
        return self._redacted("breadcrumb", crumb)

    def _redacted(self, signal: str, payload: Payload | None) -> Payload | None:
        if payload is None:
            return None
        try:
            scrubbed = self._redactor.scrub(payload)
            value = scrubbed.value
            if signal in ("event", "transaction"):
                value = finished_event(scrubbed, self._fault)
            for finding in scrubbed.findings:
                self._counters.add("redactions", signal, finding.kind)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever the redactor raises
            self._fault("redact", error)
            value = None
        if not isinstance(value, dict):
            self._counters.saw(signal, "withheld", "fault")
            return None
        self._counters.saw(signal, "exported")
        return value
