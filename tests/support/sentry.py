"""Sentry clients for tests: set up as applications do, and undone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.consts import DEFAULT_OPTIONS
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from tests.support.receiver import ReceivedItem, items_of


@contextmanager
def initialised(**options: Any) -> Iterator[sentry_sdk.Client]:
    """Call `sentry_sdk.init` with `options`, and undo it afterwards."""
    sentry_sdk.init(**options)
    client = sentry_sdk.get_client()
    assert isinstance(client, sentry_sdk.Client)
    try:
        yield client
    finally:
        client.close(timeout=2.0)
        sentry_sdk.get_global_scope().set_client(None)
        for scope in (
            sentry_sdk.get_global_scope(),
            sentry_sdk.get_isolation_scope(),
            sentry_sdk.get_current_scope(),
        ):
            scope.clear()


# Older releases stream no spans, and leave LLM spans inside their transaction.
streams_spans = pytest.mark.skipif(
    "before_send_span" not in DEFAULT_OPTIONS, reason="this release of sentry-sdk streams no spans"
)


class CapturingTransport(Transport):
    """Keeps envelopes as the bytes that would have been sent."""

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        super().__init__(options)
        self.envelopes: list[bytes] = []
        self.lost: list[tuple[str, str | None]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Serialise, as the HTTP transport does."""
        self.envelopes.append(envelope.serialize())

    def record_lost_event(self, reason: str, data_category: Any = None, item: Any = None, **_: Any) -> None:
        """Record what the client reports as lost."""
        self.lost.append((reason, data_category))

    @property
    def bytes(self) -> bytes:
        """Everything that would have been sent."""
        return b"\n".join(self.envelopes)

    @property
    def items(self) -> list[ReceivedItem]:
        """All items of all envelopes."""
        return [item for envelope in self.envelopes for item in items_of(envelope)]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The error events."""
        return [item.json for item in self.items if item.type == "event"]
