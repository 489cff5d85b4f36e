"""A flush hands on what other threads are redacting, which the SDK itself would have sent by then."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from sentry_filters import SessionGuard
from sentry_filters.sentry.boundary import Boundary
from sentry_filters.sentry.in_flight import InFlight
from tests.conftest import InitSentry
from tests.support.forks import forked, held_elsewhere


class Noting(Transport):
    """Says in which order it is called, and with how much time."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[object] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.calls.append("envelope")

    def flush(self, timeout: float, callback: Any = None) -> None:
        self.calls.append(timeout)


@contextmanager
def slow_redaction(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let redaction last until the event is set; one of another thread has begun, in the block."""
    begun, goes_on, guarded = threading.Event(), threading.Event(), Boundary.guarded

    def slow(self: Boundary, *args: Any) -> Envelope | None:
        begun.set()
        goes_on.wait(15.0)
        return guarded(self, *args)

    monkeypatch.setattr(Boundary, "guarded", slow)
    capturing = threading.Thread(target=sentry_sdk.capture_message, args=("text",))
    capturing.start()
    assert begun.wait(15.0)
    try:
        yield goes_on
    finally:
        goes_on.set()
        capturing.join()


def test_a_flush_waits_for_what_another_thread_is_redacting(
    guard: SessionGuard, sentry: InitSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = Noting()
    client = sentry(**guard.sentry_options(transport=transport))
    with slow_redaction(monkeypatch) as goes_on:
        flushing = threading.Thread(target=client.flush, kwargs={"timeout": 15.0})
        flushing.start()
        flushing.join(0.2)  # without the wait, it would be done by now
        goes_on.set()
        flushing.join()

    envelope, left = transport.calls
    assert envelope == "envelope"
    assert isinstance(left, float)
    assert 0.0 < left < 15.0


def test_a_flush_waits_no_longer_than_it_may(
    guard: SessionGuard, sentry: InitSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = Noting()
    client = sentry(**guard.sentry_options(transport=transport))
    with slow_redaction(monkeypatch):
        client.flush(timeout=0.01)
        assert transport.calls == [0.0]
        client.flush(timeout=0)
        assert transport.calls == [0.0, 0]


@pytest.mark.parametrize("has_loop", [True, False])
def test_a_transport_that_sends_from_an_event_loop_is_not_waited_for(
    guard: SessionGuard, sentry: InitSentry, monkeypatch: pytest.MonkeyPatch, *, has_loop: bool
) -> None:
    transport = Noting()
    transport.loop = object() if has_loop else None  # type: ignore[attr-defined]
    client = sentry(**guard.sentry_options(transport=transport))
    with slow_redaction(monkeypatch):
        client.flush(timeout=0.01)

    assert transport.calls == [0.01 if has_loop else 0.0, "envelope"]


def test_a_flush_from_within_a_sending_waits_for_nobody(guard: SessionGuard, sentry: InitSentry) -> None:
    class Flushing(Noting):
        def capture_envelope(self, envelope: Envelope) -> None:
            client.flush(timeout=15.0)

    transport = Flushing()
    client = sentry(**guard.sentry_options(transport=transport))
    client.capture_event({"message": "text"})

    assert transport.calls == [15.0]


def test_copies_and_pickles_begin_with_nothing_in_flight() -> None:
    original, left = InFlight(), list[float]()
    with original.one():
        others = (copy.deepcopy(original), pickle.loads(pickle.dumps(original)))
        waiting = threading.Thread(target=lambda: left.extend(one.wait(15.0) for one in others))
        waiting.start()
        waiting.join()
    assert left == [15.0, 15.0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_waits_for_no_thread_of_its_parents() -> None:
    original = InFlight()
    with held_elsewhere(original.one()):
        assert forked(lambda: original.wait(15.0) == 15.0)
