"""One place leaks: the check names it, and no other."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope, Item, PayloadRef

from sentry_filters import SessionGuard
from sentry_filters.sentry import GuardedTransport
from sentry_filters.testing import CheckedPath, Outcome, Report, check
from sentry_filters.testing.sentry import SentryRehearsal
from tests.conftest import InitSentry
from tests.support.sentry import streams_spans
from tests.support.waiting import eventually
from tests.testing.reports import DSN, failing

EVENT = [
    "breadcrumb", "breadcrumb data", "attachment", "file name", "tag", "extra", "context", "user",
    "transaction name", "trace header", "frame local", "exception", "message", "message argument", "logger",
    "fingerprint", "request url", "request query", "request body", "request header",
]  # fmt: skip
TRANSACTION = ["trace header", "name", "tag", "data", "span name", "span data", "prompt"]
OTHERS = [
    "log: body", "log: attribute", "metric: name", "metric: attribute", "check-in: monitor config",
    "session: environment", "session: user", "session: user agent", "profile: transaction", "profile: chunk",
    "client report: reason", "envelope: item header", "envelope: trace header", "unknown item type",
]  # fmt: skip
PLACES = [
    *(f"event: {place}" for place in EVENT),
    *(f"transaction: {place}" for place in TRANSACTION),
    *OTHERS,
]
STREAMED = [f"streamed span: {place}" for place in ("segment", "attribute", "name")]


def leaking(transport: Any, number: int) -> type[GuardedTransport]:
    """A guarded transport that lets the raw text of one canary out beside what is redacted."""

    class Leaking(transport):  # type: ignore[misc]
        def capture_envelope(self, envelope: Envelope) -> None:
            found = re.search(rb"canary%03dword[^\"\\]*" % number, envelope.serialize())
            super().capture_envelope(envelope)
            if found and self.inner is not None:
                payload = PayloadRef(json={"note": found[0].decode()})
                self.inner.capture_envelope(Envelope(items=[Item(payload, type="client_report")]))

    return Leaking


def init_leaking(sentry: InitSentry, guard: SessionGuard, number: int, **options: Any) -> None:
    composed = guard.sentry_options(dsn=DSN, traces_sample_rate=0.0001, enable_logs=True, **options)
    sentry(**{**composed, "transport": leaking(composed["transport"], number)})


def places_of(report: Report) -> list[CheckedPath]:
    """The rows of places, in the order in which canaries were made."""
    covered = [path for path in report.paths if path.path.startswith("sentry ")]
    apart = ("sentry transport", "sentry outgoing", "sentry recognition")
    return [one for one in covered if one.outcome is not Outcome.OFF and not one.path.startswith(apart)]


def test_every_place_is_covered_and_clean(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**guard.sentry_options(dsn=DSN, traces_sample_rate=0.0001, enable_logs=True))

    report = check(guard)

    assert [path.path for path in places_of(report)] == [f"sentry {place}" for place in PLACES]
    assert {path.outcome for path in places_of(report)} == {Outcome.CLEAN}
    assert report.is_clean


@pytest.mark.parametrize("place", PLACES)
def test_a_leak_names_its_place_and_no_other(place: str, guard: SessionGuard, sentry: InitSentry) -> None:
    init_leaking(sentry, guard, PLACES.index(place))

    report = check(guard)

    assert failing(report) == [f"sentry {place}"]
    assert report.failures[0].outcome is Outcome.LEAK
    assert report.failures[0].detail == "through HttpTransport"


def test_where_spans_shall_be_streamed_something_is_covered(guard: SessionGuard, sentry: InitSentry) -> None:
    options: dict[str, Any] = {"traces_sample_rate": 1.0, "_experiments": {"trace_lifecycle": "stream"}}
    sentry(**guard.sentry_options(dsn=DSN, **options))

    report = check(guard)

    covered = {path.path for path in report.paths if path.outcome is Outcome.CLEAN}
    assert report.is_clean
    assert {"sentry transaction: name", "sentry streamed span: name"} & covered


@streams_spans
@pytest.mark.parametrize("place", STREAMED)
def test_a_leak_of_a_streamed_span_names_its_place(
    place: str, guard: SessionGuard, sentry: InitSentry
) -> None:
    init_leaking(
        sentry, guard, len(EVENT) + STREAMED.index(place), _experiments={"trace_lifecycle": "stream"}
    )

    report = check(guard)

    assert failing(report) == [f"sentry {place}"]


@streams_spans
def test_what_the_sdks_own_thread_has_taken_is_waited_for(
    guard: SessionGuard, sentry: InitSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentry(
        **guard.sentry_options(dsn=DSN, traces_sample_rate=1.0, _experiments={"trace_lifecycle": "stream"})
    )
    batcher: Any = type(sentry_sdk.get_client().span_batcher)
    flush, capture = batcher.flush, SentryRehearsal.capture_envelope

    def flush_late(self: Any) -> None:
        assert eventually(lambda: not self._pending_flush)
        flush(self)

    def capture_late(self: SentryRehearsal, envelope: Envelope) -> None:
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.3)
        capture(self, envelope)

    monkeypatch.setattr(batcher, "flush", flush_late)
    monkeypatch.setattr(SentryRehearsal, "capture_envelope", capture_late)

    report = check(guard)

    covered = {path.path for path in report.paths if path.outcome is Outcome.CLEAN}
    assert {f"sentry {place}" for place in STREAMED} <= covered
