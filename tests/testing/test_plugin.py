"""The fixtures, as a user's tests have them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sentry_sdk

from sentry_filters import Policy, SessionGuard
from sentry_filters.testing import Canaries, CaptureSentry, LeakCheck, LeakError, captured_sentry
from tests.conftest import InitSentry

pytest_plugins = ["pytester", "sentry_filters.testing.plugin"]


def test_captured_sentry_shows_what_would_have_been_sent(
    captured_sentry: CaptureSentry, leak_canaries: Canaries, guard: SessionGuard
) -> None:
    sent = captured_sentry(guard, release="app@1")

    sentry_sdk.capture_message(f"the prompt was {leak_canaries.at('prompt')}")

    (event,) = sent.events
    assert event["release"] == "app@1"
    assert not leak_canaries.leaked_in(sent.bytes)
    assert leak_canaries.arrived_in(sent.bytes) == {"prompt"}


def test_canaries_find_what_left(leak_canaries: Canaries) -> None:
    left = f"one {leak_canaries.at('first')}, two {leak_canaries.at('second')}".encode()
    leak_canaries.at("third")

    assert leak_canaries.leaked_in(left) == {"first", "second"}
    assert leak_canaries.places == ("first", "second", "third")


def test_leak_check_passes_a_right_set_up(
    captured_sentry: CaptureSentry, leak_check: LeakCheck, guard: SessionGuard
) -> None:
    sent = captured_sentry(guard)

    assert leak_check(guard).is_clean
    assert sent.envelopes == []


@pytest.mark.promise("check")
def test_leak_check_fails_with_the_place(leak_check: LeakCheck, guard: SessionGuard) -> None:
    other = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)

    with captured_sentry(other), pytest.raises(LeakError, match="sentry event: message: leak"):
        leak_check(guard)


def test_captured_sentry_is_undone(guard: SessionGuard, sentry: InitSentry) -> None:
    before = sentry(dsn="http://a@127.0.0.1:1/1")

    with captured_sentry(guard):
        sentry_sdk.set_tag("left", "behind")
        assert sentry_sdk.get_client() is not before

    assert sentry_sdk.get_client() is before
    assert sentry_sdk.get_isolation_scope()._tags == {}


def test_the_plugin_is_opted_into_by_one_line(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["sentry_filters.testing.plugin"]')
    pytester.makepyfile(
        """
        import sentry_sdk
        from sentry_filters import Policy, SessionGuard

        def test_set_up(leak_check):
            guard = SessionGuard(Policy(provider="OpenHuman"), print)
            sentry_sdk.init(dsn="http://a@127.0.0.1:1/1", before_send=guard.before_send)
            leak_check(guard)
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*LeakError: * paths are not guarded*", "*sentry session: user: leak*"])


@pytest.mark.parametrize("module", ["sentry_filters", "sentry_filters.testing"])
def test_importing_it_loads_neither_pytest_nor_opentelemetry(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert {"pytest", "otel", "opentelemetry"}.isdisjoint(loaded.stdout.split())
