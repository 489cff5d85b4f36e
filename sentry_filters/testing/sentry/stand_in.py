"""The application's own Sentry client, without the last step of sending."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import sentry_sdk
from sentry_sdk.client import BaseClient
from sentry_sdk.envelope import Envelope
from sentry_sdk.spotlight import SpotlightClient
from sentry_sdk.transport import Transport

from sentry_filters.sentry import GuardedTransport, SpotlightBehindTransport

Capture = Callable[[Envelope], object]

_BATCHERS = ("log_batcher", "metrics_batcher", "span_batcher")
_JOIN_SECONDS = 5.0
# Sampling and profiling would leave the result to chance; what is off stays off.
_NOT_BY_CHANCE: Mapping[str, object] = {
    "sample_rate": 1.0,
    "error_sampler": None,
    "traces_sampler": None,
    "profiles_sample_rate": None,
    "profiles_sampler": None,
}


class SentryRehearsal:
    """A stand-in for a client: the same options, hooks, integrations and guard, but nothing is sent.

    The application's client is not touched, so what other threads report meanwhile goes its usual way.

    Args:
        client: The application's own client.
        captured: Gets through what each envelope would have left, and its bytes.
    """

    def __init__(self, client: BaseClient, captured: list[tuple[str, bytes]]) -> None:
        self.client = client
        self._captured = captured
        self.stand_in = self._stand_in()

    @contextmanager
    def as_current(self) -> Iterator[None]:
        """Make the stand-in the client of the block's scopes, which hold nothing else of the application's.

        Event processors stay; tags, users, attachments, breadcrumbs and the running session do not.
        """
        with sentry_sdk.isolation_scope() as isolation:
            current = sentry_sdk.get_current_scope()
            isolation.clear()
            current.clear()
            current.set_client(self.stand_in)
            try:
                yield
            finally:
                self.stand_in.transport = self.stand_in.spotlight = None
                self._end_batchers()

    def capture_envelope(self, envelope: Envelope) -> None:
        """Send an envelope as the SDK's own parts do that use no hook."""
        if self.stand_in.spotlight is not None:
            self.stand_in.spotlight.capture_envelope(envelope)
        if self.stand_in.transport is not None:
            self.stand_in.transport.capture_envelope(envelope)

    def flush(self) -> None:
        """Send what the batchers hold, and wait for what their threads have taken already."""
        self._end_batchers()
        self._give_batchers(self.stand_in)

    def _stand_in(self) -> BaseClient:
        client = self.client
        # Not `copy`: the SDK's client would set itself up again.
        stand_in = object.__new__(type(client))
        vars(stand_in).update(vars(client))
        stand_in.options = {**client.options, **_NOT_BY_CHANCE}
        if client.options.get("traces_sample_rate") or client.options.get("traces_sampler"):
            stand_in.options["traces_sample_rate"] = 1.0
        stand_in.monitor = None  # back-pressure would lower the rate
        stand_in.transport = None if client.transport is None else self._rehearsed(client.transport)
        if issubclass(type(client.spotlight), GuardedTransport):
            stand_in.spotlight = cast("Any", self._rehearsed(cast("Transport", client.spotlight)))
        elif raw_spotlight(client) is not None:
            stand_in.spotlight = CapturedSpotlight(self._sink("Spotlight, by the SDK"))
        self._give_batchers(stand_in)
        return stand_in

    def _give_batchers(self, stand_in: BaseClient) -> None:
        for name in _BATCHERS:
            batcher = getattr(self.client, name, None)
            if batcher is not None:
                made = type(batcher)(capture_func=self.capture_envelope, record_lost_func=_forget)
                setattr(stand_in, name, made)

    def _end_batchers(self) -> None:
        for name in _BATCHERS:
            batcher = getattr(self.stand_in, name, None)
            if batcher is None:
                continue
            batcher.flush()
            thread = getattr(batcher, "_flusher", None)
            batcher.kill()
            if thread is not None:
                thread.join(_JOIN_SECONDS)

    def _rehearsed(self, transport: Transport) -> Transport:
        if issubclass(type(transport), GuardedTransport):
            guarded = cast("GuardedTransport", transport)
            inner = None if guarded.inner is None else self._rehearsed(guarded.inner)
            return guarded.sending_to(inner, lambda: CapturedSpotlight(self._sink("Spotlight")))
        printed = printer_behind(transport)
        if printed is not None:
            return StandIn(transport, self._sink("the envelope printer"), self._rehearsed(printed))
        return StandIn(transport, self._sink(type(transport).__name__))

    def _sink(self, name: str) -> Capture:
        return lambda envelope: self._captured.append((name, envelope.serialize()))


def _forget(*_: Any, **__: Any) -> None:
    """A check loses nothing."""


class StandIn(Transport):
    """Stands in for the transport that sends, or for the SDK's envelope printer, for the time of a check.

    Args:
        original: Whose place it takes; never called.
        capture: Gets each envelope.
        inner: Gets each envelope too: stands in for the transport behind the printer.
    """

    def __init__(self, original: Transport, capture: Capture, inner: Transport | None = None) -> None:
        self._original = original
        self._capture = capture
        self._inner = inner
        self.options = original.options
        self.parsed_dsn = original.parsed_dsn

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # The SDK asks isinstance(transport, HttpTransportCore) and the like.
        return self._original.__class__

    def capture_envelope(self, envelope: Envelope) -> None:
        """Capture what would have been sent or printed, and pass it on."""
        self._capture(envelope)
        if self._inner is not None:
            self._inner.capture_envelope(envelope)

    record_lost_event = staticmethod(_forget)


class CapturedSpotlight(SpotlightClient):
    """Stands in for Spotlight.

    Args:
        capture: Gets each envelope.
    """

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def capture_envelope(self, envelope: Envelope) -> None:
        """Capture what Spotlight would have been given."""
        self._capture(envelope)


def raw_spotlight(client: BaseClient) -> SpotlightClient | None:
    """Return the client of Spotlight that the SDK gives raw envelopes; None where the guard serves it."""
    guarded = (SpotlightBehindTransport, GuardedTransport)
    return None if issubclass(type(client.spotlight), guarded) else client.spotlight


def printer_behind(transport: Transport) -> Transport | None:
    """Return what the SDK's envelope printer wraps, None where `transport` is not one."""
    # By its real type: the printer passes itself off as what it wraps.
    own: Mapping[str, Any] = vars(transport)
    inner = own.get("_inner") if type(transport).__name__ == "_EnvelopePrinterTransport" else None
    return inner if isinstance(inner, Transport) else None
