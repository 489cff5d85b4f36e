"""Sentry set up behind a guard, with its last step in memory, during a block."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from sentry_filters.guard import SessionGuard
from sentry_filters.testing.report import Report

LeakCheck = Callable[[SessionGuard], Report]
"""The fixture `leak_check`."""


class CapturingTransport(Transport):
    """Keeps envelopes as the bytes that would have been sent; sends nothing.

    Pass the instance as `transport` to `guard.sentry_options` to see what the guard lets through.

    Args:
        options: As for any transport; not used.
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


class CaptureSentry(Protocol):
    """The fixture `captured_sentry`: sets Sentry up behind a guard until the test ends."""

    def __call__(self, guard: SessionGuard, **options: Any) -> CapturingTransport:
        """Return what keeps in memory what would have been sent."""


@contextmanager
def captured_sentry(guard: SessionGuard, **options: Any) -> Iterator[CapturingTransport]:
    """Set Sentry up as an application does, and keep in memory what would have been sent.

    Afterwards the previous client is the current one again, and the scopes are empty.

    Args:
        guard: The guard that everything passes through.
        options: Any options of `sentry_sdk.init` except `transport`; a DSN is not needed.
    """
    before = sentry_sdk.get_global_scope().client
    transport = CapturingTransport()
    sentry_sdk.init(**guard.sentry_options(**options, transport=transport))
    try:
        yield transport
    finally:
        sentry_sdk.get_client().close(timeout=2.0)
        sentry_sdk.get_global_scope().set_client(before)
        sentry_sdk.get_global_scope().clear()
        sentry_sdk.get_isolation_scope().clear()
        sentry_sdk.get_current_scope().clear()
