"""What the Sentry edge costs, beside the SDK's own work on the same event."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import sentry_sdk
from sentry_sdk.envelope import Envelope, Item, PayloadRef
from sentry_sdk.scrubber import EventScrubber
from sentry_sdk.transport import Transport

from sentry_filters import Policy, SessionGuard
from tests.bench.events import clean_event
from tests.bench.table import Row, show
from tests.bench.timing import side_by_side
from tests.support.sentry import initialised

DSN = "http://a@127.0.0.1:1/1"


class Sink(Transport):
    """Serialises, as every transport that sends has to, and forgets."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Serialise."""
        envelope.serialize()


def run() -> bool:
    """Print the table, and return whether the ratios are within what the project allows itself."""
    return show("The Sentry edge, healthy event of 40 KB", rows())


def rows() -> list[Row]:
    """Return the figures, with the most that the project allows itself where it does."""
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), lambda event: None)
    event = clean_event()
    hook = guard.sentry_options()["before_send"]
    hint = {"exc_info": (ValueError, ValueError("x"), None)}
    serialised = json.dumps(event, separators=(",", ":")).encode()
    plain = EventScrubber(recursive=True)
    with initialised(dsn=DSN, transport=Sink, send_default_pii=True):
        client = sentry_sdk.get_client()
        acts: dict[str, Callable[[], object]] = {
            "capture_event": lambda: client.capture_event(dict(event), hint),
            "EventScrubber": lambda: plain.scrub_event(event),  # type: ignore[arg-type]
            "serialise + gzip": lambda: gzip.compress(json.dumps(event, separators=(",", ":")).encode(), 9),
            "before_send": lambda: hook(event, hint),
            "before_send alone": lambda: guard.before_send(event, hint),
            "transport": lambda: _check(guard, event, serialised),
            "transport without us": lambda: _item(event, serialised),
        }
        taken = side_by_side(acts)
    check = taken["transport"].median - taken["transport without us"].median
    check_p99 = taken["transport"].p99 - taken["transport without us"].median
    capture, scrubber = taken["capture_event"], taken["EventScrubber"]
    return [
        Row("capture_event (sentry-sdk alone)", capture.median, capture.p99),
        Row("EventScrubber(recursive=True)", scrubber.median, scrubber.p99),
        Row("serialise + gzip (what a transport does)", *_both(taken["serialise + gzip"])),
        Row(
            "before_send / capture_event",
            *_both(taken["before_send"]),
            taken["before_send"].median / capture.median,
            0.25,
        ),
        Row(
            "before_send alone (it redacts) / capture_event",
            *_both(taken["before_send alone"]),
            taken["before_send alone"].median / capture.median,
        ),
        Row("transport's check / EventScrubber", check, check_p99, check / scrubber.median, 1.0),
        Row(
            "hook and check at the 99th percentile / capture_event",
            0,
            taken["before_send"].p99 + check_p99,
            (taken["before_send"].p99 + check_p99) / capture.p99,
            0.10,
        ),
    ]


def _both(timing: object) -> tuple[float, float]:
    return timing.median, timing.p99  # type: ignore[attr-defined]


def _item(event: dict[str, object], serialised: bytes) -> Envelope:
    payload = PayloadRef(json=event)
    payload.bytes = serialised  # the transport below needs these bytes with us or without
    return Envelope(headers={"event_id": "1" * 32}, items=[Item(payload, type="event")])


def _check(guard: SessionGuard, event: dict[str, object], serialised: bytes) -> object:
    return guard._boundary.guarded(_item(event, serialised), _nothing_lost)


def _nothing_lost(item: Item) -> None:
    raise AssertionError(f"a healthy {item.type} was withheld")
