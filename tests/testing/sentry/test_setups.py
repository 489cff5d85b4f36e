"""Set-ups of Sentry that go round the guard: each is named, and a right one passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.consts import DEFAULT_OPTIONS
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from sentry_filters import SessionGuard
from sentry_filters.testing import CapturingTransport, LeakError, Outcome, Report, check
from tests.conftest import InitSentry
from tests.testing.reports import DSN, POLICY, failing, outcomes


def details(report: Report) -> set[str]:
    return {path.detail for path in report.failures}


SETUPS: dict[str, Callable[[SessionGuard, InitSentry], object]] = {
    "a class": lambda guard, sentry: sentry(**guard.sentry_options(dsn=DSN)),
    "an instance": lambda guard, sentry: sentry(**guard.sentry_options(transport=CapturingTransport())),
    "all sampled out": lambda guard, sentry: sentry(
        **guard.sentry_options(dsn=DSN, sample_rate=0.0, traces_sample_rate=0.0001)
    ),
    "hooks of its own": lambda guard, sentry: sentry(
        **guard.sentry_options(dsn=DSN, before_send=lambda event, hint: {**event, "environment": "test"})
    ),
    "spotlight by the guard": lambda guard, sentry: sentry(**guard.sentry_options(dsn=DSN, spotlight=True)),
    "spotlight without a DSN": lambda guard, sentry: sentry(**guard.sentry_options(dsn=None, spotlight=True)),
    "spotlight alone": lambda guard, sentry: sentry(**guard.sentry_options(spotlight=True)),
    "inited twice": lambda guard, sentry: (
        sentry_sdk.init(dsn=DSN),
        sentry(**guard.sentry_options(dsn=DSN)),
    ),
}


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_a_right_set_up_passes(
    setup: Callable[[SessionGuard, InitSentry], object], guard: SessionGuard, sentry: InitSentry
) -> None:
    setup(guard, sentry)

    report = check(guard)

    assert failing(report) == []
    assert report.is_clean
    report.raise_for_leaks()


def test_each_of_several_backends_is_tried(sentry: InitSentry) -> None:
    guard = SessionGuard([POLICY, replace(POLICY, provider="Fallback", hosts={"llm.example.org"})])
    sentry(**guard.sentry_options(dsn=DSN))

    assert failing(check(guard)) == []
    assert guard.gate.is_open


def test_the_printer_behind_the_guard_passes(
    guard: SessionGuard, sentry: InitSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTRY_PRINT_ENVELOPES", "1")
    sentry(**guard.sentry_options(dsn=DSN))

    assert check(guard).is_clean


def test_without_the_guard_everything_is_named(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(dsn=DSN, traces_sample_rate=1.0, enable_logs=True)

    report = check(guard)

    covered = {path for path, outcome in outcomes(report).items() if outcome is Outcome.CLEAN}
    assert covered == {"sentry recognition: a third party's 401 is kept"}
    assert outcomes(report)["sentry transport"] is Outcome.BYPASS
    with pytest.raises(LeakError, match="sentry event: frame local: leak"):
        report.raise_for_leaks()


def test_the_hook_alone_leaves_what_it_does_not_see(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(dsn=DSN, before_send=guard.before_send)

    report = check(guard)

    assert set(failing(report)) == {
        "sentry transport",
        "sentry event: attachment",
        "sentry event: file name",
        "sentry metric: name",
        "sentry metric: attribute",
        "sentry session: environment",
        "sentry session: user",
        "sentry session: user agent",
        "sentry profile: transaction",
        "sentry profile: chunk",
        "sentry client report: reason",
        "sentry envelope: item header",
        "sentry envelope: trace header",
        "sentry unknown item type",
    }
    assert outcomes(report)["sentry recognition: your own session's 401 is dropped"] is Outcome.CLEAN


def test_spotlight_switched_on_in_the_sdk_is_named(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**{**guard.sentry_options(dsn=DSN), "spotlight": True})

    report = check(guard)

    assert outcomes(report)["sentry spotlight"] is Outcome.BYPASS
    assert outcomes(report)["sentry transport"] is Outcome.CLEAN
    assert details(report) >= {"through Spotlight, by the SDK"}
    assert "through HttpTransport" not in details(report)


@pytest.mark.skipif(
    not hasattr(sentry_sdk.transport, "_EnvelopePrinterTransport"),
    reason="this release of sentry-sdk prints no envelopes",
)
def test_a_printer_outside_the_guard_is_named(
    guard: SessionGuard,
    sentry: InitSentry,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    options = guard.sentry_options(dsn=DSN, transport=CapturingTransport())
    monkeypatch.setenv("SENTRY_PRINT_ENVELOPES", "1")
    sentry(**options)

    report = check(guard)

    assert outcomes(report)["sentry envelope printer"] is Outcome.BYPASS
    assert outcomes(report)["sentry transport"] is Outcome.CLEAN
    assert "through the envelope printer" in details(report)
    assert "CANARY" not in "".join(capfd.readouterr())


def test_another_guards_transport_is_named(guard: SessionGuard, sentry: InitSentry) -> None:
    other = SessionGuard(POLICY, lambda event: None)
    sentry(**other.sentry_options(dsn=DSN))

    report = check(guard)

    assert "it is behind another guard" in details(report)
    # Credentials that only this guard knows leave: the other one was never told them.
    assert outcomes(report)["sentry event: message"] is Outcome.LEAK
    assert other.gate.is_open


def test_a_transport_put_round_the_guards_is_named(guard: SessionGuard, sentry: InitSentry) -> None:
    class Round(Transport):
        def __init__(self, inner: Transport) -> None:
            super().__init__(inner.options)
            self.inner = inner
            self.copies: list[bytes] = []

        def capture_envelope(self, envelope: Envelope) -> None:
            self.copies.append(envelope.serialize())
            self.inner.capture_envelope(envelope)

    client = sentry(**guard.sentry_options(dsn=DSN))
    assert client.transport is not None
    client.transport = around = Round(client.transport)

    report = check(guard)

    assert outcomes(report)["sentry transport"] is Outcome.BYPASS
    assert "through Round" in details(report)
    assert around.copies == []


def test_a_before_send_in_the_place_of_the_guards_is_named(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**{**guard.sentry_options(dsn=DSN), "before_send": lambda event, hint: event})

    report = check(guard)

    assert set(failing(report)) == {"sentry recognition: your own session's 401 is dropped"}
    assert details(report) == {"the client's before_send does not ask this guard"}


def test_a_second_client_without_the_guard_is_named(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**guard.sentry_options(dsn=DSN))
    second = sentry_sdk.Client(dsn=DSN)
    try:
        report = check(guard)
    finally:
        second.close(timeout=0)

    assert set(failing(report)) == {"sentry: another client"}
    assert check(guard).is_clean


def test_a_second_client_with_the_guard_passes(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**guard.sentry_options(dsn=DSN))
    second = sentry_sdk.Client(**guard.sentry_options(dsn=DSN))
    try:
        assert outcomes(check(guard))["sentry: another client"] is Outcome.CLEAN
    finally:
        second.close(timeout=0)


def test_a_third_partys_failure_that_would_be_dropped_is_named(
    guard: SessionGuard, sentry: InitSentry
) -> None:
    def retag(event: Any, hint: Any) -> Any:
        return guard.before_send({**event, "tags": {**event.get("tags", {}), "provider": "OpenHuman"}}, hint)

    sentry(**{**guard.sentry_options(dsn=DSN), "before_send": retag})

    assert set(failing(check(guard))) == {"sentry recognition: a third party's 401 is kept"}


def test_what_a_hook_takes_away_is_not_called_clean(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**guard.sentry_options(dsn=DSN, before_send=lambda event, hint: {**event, "extra": {}}))

    report = check(guard)

    assert outcomes(report)["sentry event: extra"] is Outcome.NOT_COVERED
    assert report.is_clean


@pytest.mark.parametrize(
    ("targets", "outcome"),
    [
        pytest.param({}, Outcome.CLEAN, id="to everybody"),
        pytest.param({"trace_propagation_targets": []}, Outcome.OFF, id="to nobody"),
    ],
)
def test_outgoing_baggage_is_clean_where_anybody_gets_it(
    targets: dict[str, Any], outcome: Outcome, guard: SessionGuard, sentry: InitSentry
) -> None:
    sentry(**guard.sentry_options(dsn=DSN, traces_sample_rate=1.0, **targets))

    assert outcomes(check(guard))["sentry outgoing header: baggage"] is outcome


def test_what_is_switched_off_is_off(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**guard.sentry_options(dsn=DSN))

    told = outcomes(check(guard))

    assert told["sentry transaction"] is Outcome.OFF
    assert told["sentry log"] is Outcome.OFF


@pytest.mark.parametrize("without", ["client", "DSN"])
def test_where_nothing_is_sent_nothing_is_clean(
    without: str, guard: SessionGuard, sentry: InitSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENTRY_DSN", raising=False)
    if without == "DSN":
        sentry(**guard.sentry_options(dsn=None))

    report = check(guard)

    assert outcomes(report)["sentry"] is Outcome.OFF
    assert not report.is_clean
    report.raise_for_leaks()


def test_a_hook_that_raises_on_canaries_costs_no_other_path(guard: SessionGuard, sentry: InitSentry) -> None:
    def broken(event: Any, hint: Any) -> Any:
        raise RuntimeError("broken")

    sentry(**guard.sentry_options(dsn=DSN, before_send=broken))

    told = outcomes(check(guard))

    assert told["sentry event: message"] is Outcome.NOT_COVERED
    assert told["sentry session: user"] is Outcome.CLEAN


def test_the_client_may_be_named(guard: SessionGuard, sentry: InitSentry) -> None:
    client = sentry_sdk.Client(**guard.sentry_options(dsn=DSN))
    try:
        assert outcomes(check(guard, client=client))["sentry transport"] is Outcome.CLEAN
    finally:
        client.close(timeout=0)


def test_the_minimum_of_the_sdk_has_what_the_check_forces() -> None:
    assert {"sample_rate", "error_sampler", "traces_sampler", "traces_sample_rate"} <= set(DEFAULT_OPTIONS)
