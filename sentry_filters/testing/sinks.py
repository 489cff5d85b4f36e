"""Where captured envelopes end: in memory, as the bytes that would have been sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sentry_sdk.envelope import Envelope
from sentry_sdk.spotlight import SpotlightClient
from sentry_sdk.transport import Transport

__all__ = ["CapturedSpotlight", "CapturingTransport", "StandIn"]

Capture = Callable[[bytes], object]


class CapturingTransport(Transport):
    """Keeps envelopes as the bytes that would have been sent; sends nothing.

    Pass the instance as `transport` to `guard.sentry_options` to see what passes the guard.

    Args:
        options: As any transport's; not used.
    """

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        super().__init__(options)
        self.envelopes: list[bytes] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Serialise and keep it."""
        self.envelopes.append(envelope.serialize())

    @property
    def bytes(self) -> bytes:
        """Everything that would have been sent."""
        return b"\n".join(self.envelopes)

    def payloads(self, kind: str) -> list[Any]:
        """Return the payloads of all items of a type (`"event"`, `"transaction"`, `"log"` …), parsed."""
        items = (item for one in self.envelopes for item in Envelope.deserialize(one).items)
        return [json.loads(item.get_bytes()) for item in items if item.type == kind]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The error events."""
        return self.payloads("event")


class StandIn(Transport):
    """Stands in for the transport that sends, for the time of a check.

    Args:
        original: Whose place it takes; never called.
        capture: Gets each serialised envelope.
    """

    def __init__(self, original: Transport, capture: Capture) -> None:
        self._original = original
        self._capture = capture
        self.options = original.options
        self.parsed_dsn = original.parsed_dsn

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # The SDK asks isinstance(transport, HttpTransportCore) and the like.
        return self._original.__class__

    def capture_envelope(self, envelope: Envelope) -> None:
        """Capture what would have been sent."""
        self._capture(envelope.serialize())

    def record_lost_event(self, *_: Any, **__: Any) -> None:
        """Forget it: what a check loses is no loss."""


class PrinterStandIn(StandIn):
    """Stands in for the SDK's envelope printer: captures instead of printing, and hands on.

    Args:
        original: The printer.
        capture: Gets each serialised envelope.
        inner: Stands in for the transport behind it.
    """

    def __init__(self, original: Transport, capture: Capture, inner: Transport) -> None:
        super().__init__(original, capture)
        self._inner = inner

    def capture_envelope(self, envelope: Envelope) -> None:
        """Capture what would have been printed, and hand it on."""
        super().capture_envelope(envelope)
        self._inner.capture_envelope(envelope)


class CapturedSpotlight(SpotlightClient):
    """Stands in for Spotlight.

    Args:
        capture: Gets each serialised envelope.
    """

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def capture_envelope(self, envelope: Envelope) -> None:
        """Capture what Spotlight would have been given."""
        self._capture(envelope.serialize())


def printer_behind(transport: Transport) -> Transport | None:
    """Return what the SDK's envelope printer wraps, None where `transport` is no printer."""
    # By its real type: the printer passes itself off as what it wraps.
    own: Mapping[str, Any] = vars(transport)
    inner = own.get("_inner") if type(transport).__name__ == "_EnvelopePrinterTransport" else None
    return inner if isinstance(inner, Transport) else None
