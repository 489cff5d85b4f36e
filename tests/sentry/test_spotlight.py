"""Spotlight gets from a guarded client what it gets from an unguarded one, redacted."""

from __future__ import annotations

import logging
from types import ModuleType
from typing import Any

import pytest
import sentry_sdk
import sentry_sdk.spotlight
from sentry_sdk.utils import logger as sdk_logger

from sentry_filters import SessionGuard
from sentry_filters.sentry.spotlight import _let_it_be_alone
from tests.conftest import InitSentry
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake

SECRET = fake("sk-proj-", 40)
COLLECTED = ("send_default_pii", "data_collection", "error_sampler", "traces_sampler", "profiles_sampler")


def captured(sentry: InitSentry, options: dict[str, Any]) -> dict[str, Any]:
    """Set Sentry up, capture one of each, and return which of what decides about collecting is set."""
    client = sentry(**options, default_integrations=False, auto_enabling_integrations=False)
    with sentry_sdk.start_transaction(name="turn", op="chat"):
        sentry_sdk.capture_message(f"the word beside {SECRET}")
    sentry_sdk.flush(5)
    values = {name: client.options.get(name) for name in COLLECTED}
    return {name: value({}) if callable(value) else value for name, value in values.items()}


def types(server: SentryReceiver) -> set[str]:
    """What arrived; a profile comes where there was time for two samples."""
    return {item.type for item in server.items} - {"profile"}


@pytest.mark.parametrize("dsn", [{}, {"dsn": None}, {"dsn": ""}], ids=["none", "None", "empty"])
@pytest.mark.parametrize("rates", [{}, {"sample_rate": 0.0, "traces_sample_rate": 0.0}], ids=["none", "zero"])
def test_without_a_dsn_it_gets_everything_as_from_an_unguarded_client(
    guard: SessionGuard, sentry: InitSentry, rates: dict[str, float], dsn: dict[str, Any]
) -> None:
    with SentryReceiver() as bare, SentryReceiver() as guarded:
        options: list[dict[str, Any]] = [
            {"spotlight": f"http://{server.address}/stream", **rates, **dsn} for server in (bare, guarded)
        ]
        collected = captured(sentry, options[0])

        assert captured(sentry, guard.sentry_options(**options[1])) == collected
        assert collected["send_default_pii"] is True
        assert types(guarded) == types(bare) >= {"event", "transaction"}
        assert SECRET.encode() in bare.bytes
        assert SECRET.encode() not in guarded.bytes


def test_with_a_dsn_the_applications_own_rates_hold(
    guard: SessionGuard, receiver: SentryReceiver, sentry: InitSentry
) -> None:
    with SentryReceiver() as spotlight:
        url = f"http://{spotlight.address}/stream"
        collected = captured(sentry, guard.sentry_options(dsn=receiver.dsn, spotlight=url))

        assert [item.type for item in spotlight.items] == ["event"]
        assert not collected["send_default_pii"]


def test_a_dsn_that_comes_later_is_a_dsn(
    guard: SessionGuard, receiver: SentryReceiver, sentry: InitSentry
) -> None:
    options = guard.sentry_options(dsn=None, spotlight="http://127.0.0.1:1/stream")

    assert not captured(sentry, {**options, "dsn": receiver.dsn})["send_default_pii"]


def test_another_clients_spotlight_is_the_sdks_own(guard: SessionGuard, sentry: InitSentry) -> None:
    guard.sentry_options(dsn=None, spotlight=True)
    with SentryReceiver() as spotlight:
        client = sentry(dsn=None, spotlight=f"http://{spotlight.address}/stream")

        assert type(client.spotlight) is sentry_sdk.spotlight.SpotlightClient


def test_nothing_is_logged_about_spotlight_being_off(
    guard: SessionGuard, receiver: SentryReceiver, sentry: InitSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    sdk_logger.addHandler(handler)
    monkeypatch.setenv("SENTRY_SPOTLIGHT", "http://127.0.0.1:1/stream")
    try:
        sentry(**guard.sentry_options(dsn=receiver.dsn), debug=True)
    finally:
        sdk_logger.removeHandler(handler)

    assert [line for line in lines if "SENTRY_SPOTLIGHT" in line or "spotlight=False" in line] == []


def test_where_the_sdk_has_another_way_spotlight_stays_off_there(
    guard: SessionGuard, sentry: InitSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SentryReceiver() as spotlight:
        options = guard.sentry_options(dsn=None, spotlight=f"http://{spotlight.address}/stream")
        own = sentry_sdk.spotlight.setup_spotlight._sentry_filters_original  # type: ignore[attr-defined]
        monkeypatch.setattr(sentry_sdk.spotlight, "setup_spotlight", own)
        captured(sentry, options)

        assert [item.type for item in spotlight.items] == ["event"]
        assert SECRET.encode() not in spotlight.bytes


def test_where_the_seam_is_missing_that_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    _let_it_be_alone(ModuleType("spotlight"))

    assert "Spotlight gets what the sampling rates let through only" in caplog.text
