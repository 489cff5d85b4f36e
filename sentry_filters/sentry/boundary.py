"""The envelope boundary: what may leave, item by item, redacted or withheld."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import cast

from sentry_sdk.envelope import Envelope, Item, PayloadRef

from sentry_filters.core import AuditTrail
from sentry_filters.redaction import DOUBT, WITHHELD, Look, Redactor
from sentry_filters.sentry.copies import NeverCopied
from sentry_filters.sentry.meta import finished_event
from sentry_filters.sentry.outgoing import redacted_baggage
from sentry_filters.sentry.payloads import Seen, parsed, serialised_headers, without_lone_surrogates
from sentry_filters.sentry.spans import SpanFilter, may_hold_failures

# Sentry's item types (develop.sentry.dev/sdk/data-model/envelope-items), each with the signal it counts as.
_JSON_ITEMS: Mapping[str, str] = {
    "check_in": "check_in",
    "client_report": "client_report",
    "event": "event",
    "log": "log",
    "profile": "profile",
    "profile_chunk": "profile",
    "session": "session",
    "sessions": "session",
    "span": "span",
    "trace_metric": "metric",
    "transaction": "transaction",
}
_EVENTS = frozenset({"event", "transaction"})

_MOST_HEADERS = 256

Withheld = Callable[[Item], None]


class Boundary(NeverCopied):
    """Redacts envelopes before export. Fails closed: what cannot be redacted is withheld and counted.

    Args:
        redactor: Finds and replaces secrets.
        spans: Takes our failures' spans out of streamed ones.
        trail: Counts items and internal faults.
    """

    def __init__(self, redactor: Redactor, spans: SpanFilter, trail: AuditTrail) -> None:
        self._redactor = redactor
        self._spans = spans
        self._counters = trail.counters
        self._fault = trail.fault
        self._known_headers: dict[str, tuple[int, str]] = {}  # those of one transaction are all the same

    def guarded(self, envelope: Envelope, withheld: Withheld) -> Envelope | None:
        """Return `envelope` as it may leave, or None where nothing of it may.

        Never raises and never changes the envelope it was given; one without secrets comes back as the same
        object.

        Args:
            envelope: As the SDK built it.
            withheld: Called with every item that is withheld, so that the SDK can report the loss.
        """
        try:
            seen = self._seen_together(envelope)
            headers = envelope.headers if seen and seen[0].look.is_clean else self._headers(envelope.headers)
        except Exception as error:  # noqa: BLE001 - fail closed: headers hold the trace, the envelope is void
            self._fault("boundary", error)
            for item in envelope.items:
                self._withhold(item, "fault", withheld)
            return None
        guarded = [self._guarded_item(*each, withheld) for each in zip_longest(envelope.items, seen)]
        items = [item for item in guarded if item is not None]
        if not items and envelope.items:
            return None
        if headers is envelope.headers and all(map(operator.is_, guarded, envelope.items)):
            return envelope
        return Envelope(headers=headers, items=items)

    def redacted_event(self, event: dict[str, object]) -> dict[str, object] | None:
        """Return an event as a hook may return it, None where it cannot be redacted; counts it.

        For a hook without this boundary behind it: what the SDK adds after the hook is not seen.
        """
        try:
            value = self._scrubbed("event", event, is_event=True)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever the redactor raises
            self._fault("redact", error)
            value = None
        if not isinstance(value, dict):
            self._counters.saw("event", "withheld", "fault")
            return None
        self._counters.saw("event", "exported")
        return value

    def redacted_header(self, header: str) -> str:
        """Return an outgoing header of the SDK's as it may leave, empty where it cannot be redacted."""
        try:
            generation = self._redactor.generation
            known = self._known_headers.get(header)
            if known is not None and known[0] == generation:
                return known[1]
            redacted = redacted_baggage(self._redactor, header)
            if len(self._known_headers) >= _MOST_HEADERS:
                self._known_headers = {}  # a new one: another thread may be reading the old
            self._known_headers[header] = generation, redacted
        except Exception as error:  # noqa: BLE001 - fail closed: the call continues, without the header
            self._fault("headers", error)
            return ""
        if redacted != header:
            self._counters.add("redactions", "header", "baggage")
        return redacted

    def _seen_together(self, envelope: Envelope) -> list[Seen]:
        """See all items together with the envelope's headers, by one search; nothing where that does not do.

        Several are seen so only if nothing is in any of them.
        """
        head, items = serialised_headers(envelope.headers), envelope.items
        if head is None or not items or any(item.type not in _JSON_ITEMS for item in items):
            return []
        try:
            unseen = list(map(Seen.of, items))
        except Exception:  # noqa: BLE001 - one that cannot be read is met again, alone, and withheld
            return []
        look = self._redactor.look(b"\n".join((head, *(one.both for one in unseen))))
        return [replace(one, look=look) for one in unseen] if look.is_clean or len(items) == 1 else []

    def _seen(self, item: Item) -> Seen:
        unseen = Seen.of(item)
        return replace(unseen, look=self._redactor.look(unseen.both))

    def _guarded_item(self, item: Item, seen: Seen | None, withheld: Withheld) -> Item | None:
        try:
            kind = item.type or ""
            if kind == "attachment":
                passed: Item | None = self._attachment(item)
            elif kind in _JSON_ITEMS:
                passed = self._json_item(item, _JSON_ITEMS[kind], seen or self._seen(item))
            else:
                self._withhold(item, "unknown_item_type", withheld)
                return None
        except Exception as error:  # noqa: BLE001 - fail closed, whatever a payload or the redactor raises
            self._fault("boundary", error)
            self._withhold(item, "fault", withheld)
            return None
        if passed is not None:
            self._count("exported", passed)
        return passed

    def _json_item(self, item: Item, signal: str, seen: Seen) -> Item | None:
        is_clean = seen.look.is_clean
        headers = item.headers if is_clean and seen.head is not None else self._headers(item.headers)
        streamed = signal == "span" and may_hold_failures(seen.serialised)
        if is_clean and not streamed:
            return item if headers is item.headers else Item(item.payload, headers=headers)
        # Nothing is left of `NaN` and infinities, `1e999` among them: the SDK would refuse to write them.
        original = parsed(seen.serialised) if seen.made is None else seen.made
        payload: object | None = without_lone_surrogates(original, seen.serialised)
        if streamed:
            payload, headers = self._without_failures(payload, headers)
            if payload is None:
                return None
        value = self._scrubbed(signal, payload, seen.look, is_event=item.type in _EVENTS)
        # Bytes may say more than they parse to (a name twice): then what was checked is sent, not the bytes.
        if value is seen.made and headers is item.headers:
            return item
        return Item(PayloadRef(json=value), headers=headers)

    def _scrubbed(self, signal: str, payload: object, look: Look = DOUBT, *, is_event: bool) -> object:
        scrubbed = self._redactor.scrub(payload, look)
        for finding in scrubbed.findings:
            self._counters.add("redactions", signal, finding.kind)
        return finished_event(scrubbed, self._fault) if is_event else scrubbed.value

    def _without_failures(
        self, payload: object, headers: dict[str, object]
    ) -> tuple[object | None, dict[str, object]]:
        spans = payload.get("items") if isinstance(payload, dict) else None
        if not isinstance(spans, list):
            return payload, headers
        kept = self._spans.without_streamed_failures(spans)
        if not kept:
            return None, headers
        if len(kept) == len(spans):
            return payload, headers
        return {**cast("dict[str, object]", payload), "items": kept}, {**headers, "item_count": len(kept)}

    def _attachment(self, item: Item) -> Item:
        headers = self._headers(item.headers)
        if item.payload.bytes is None and item.payload.path is not None:
            # Read where the SDK reads it, on its worker, not on the thread that captures.
            return Item(_PathPayload(item.payload, self._redacted_file), headers=headers)
        content = item.get_bytes()
        redacted = self._redactor.redact_bytes(content)
        if redacted is content and headers is item.headers:
            return item
        self._counters.add("redactions", "attachment", "content")
        return Item(redacted, headers=headers)

    def _redacted_file(self, content: bytes) -> bytes:
        try:
            return self._redactor.redact_bytes(content)
        except Exception as error:  # noqa: BLE001 - fail closed, on the SDK's worker thread
            self._fault("attachment", error)
            return WITHHELD.encode()

    def _headers(self, headers: dict[str, object]) -> dict[str, object]:
        # The expressions that are about to read the payload, too: a walk would call for others.
        serialised = serialised_headers(headers)
        if serialised is not None and self._redactor.is_clean(serialised):
            return headers
        # Only a mapping can come back from a mapping.
        return cast("dict[str, object]", self._redactor.redact_value(headers))

    def _withhold(self, item: Item, cause: str, withheld: Withheld) -> None:
        signal = _signal(item)
        self._counters.saw(signal, "withheld", cause, by=_quantity(item))
        try:
            withheld(item)
        except Exception as error:  # noqa: BLE001 - only the SDK's own statistics are at stake
            self._fault("client_report", error)

    def _count(self, name: str, item: Item) -> None:
        self._counters.saw(_signal(item), name, by=_quantity(item))


class _PathPayload(PayloadRef):
    """An attachment's file, redacted when the SDK reads it."""

    def __init__(self, payload: PayloadRef, redact: Callable[[bytes], bytes]) -> None:
        super().__init__(path=payload.path)
        self._redact = redact

    def get_bytes(self) -> bytes:
        if self.bytes is None:
            self.bytes = self._redact(PayloadRef(path=self.path).get_bytes())
        return self.bytes


def _signal(item: Item) -> str:
    kind = item.type
    return _JSON_ITEMS.get(kind, "attachment" if kind == "attachment" else "other") if kind else "other"


def _quantity(item: Item) -> int:
    count = item.headers.get("item_count")
    return count if isinstance(count, int) and count > 0 else 1
