"""The gate's own refusals are the filter's doing: no report of one reaches Sentry."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
import sentry_sdk

from sentry_filters import Policy, SessionExpired, SessionExpiredError, SessionGuard
from tests.conftest import InitSentry
from tests.support.backend import LLMBackend
from tests.support.expiries import expiry
from tests.support.receiver import SentryReceiver
from tests.support.sentry import CapturingTransport

DSN = "http://a@127.0.0.1:1/1"
log = logging.getLogger("app")


@pytest.fixture
def guard(expired: list[SessionExpired]) -> Iterator[SessionGuard]:
    """A guard whose session is dead."""
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), expired.append)
    guard.gate.close(expiry())
    yield guard
    guard.close()


@pytest.fixture
def transport(guard: SessionGuard, sentry: InitSentry) -> CapturingTransport:
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport, enable_logs=True))
    return transport


def captured(error: BaseException) -> None:
    sentry_sdk.capture_exception(error)


def logged_as_exception(error: BaseException) -> None:
    log.exception("the job failed")


def logged_as_argument(error: BaseException) -> None:
    log.error("the job failed: %s", error)


def logged_as_text(error: BaseException) -> None:
    log.error(f"the job failed: {error}")


def passed_on(error: BaseException) -> None:
    try:
        raise RuntimeError(f"job 7: {error}") from error
    except RuntimeError as outer:
        sentry_sdk.capture_exception(outer)


def grouped(error: BaseException) -> None:
    sentry_sdk.capture_exception(ExceptionGroup("tasks", [error]))  # type: ignore[type-var]


REPORTS = [captured, logged_as_exception, logged_as_argument, logged_as_text, passed_on, grouped]


@pytest.mark.parametrize("report", REPORTS, ids=lambda one: one.__name__)
def test_a_report_of_a_refusal_is_dropped_and_counted(
    guard: SessionGuard,
    transport: CapturingTransport,
    expired: list[SessionExpired],
    report: Callable[[BaseException], None],
) -> None:
    try:
        guard.gate.check()
    except SessionExpiredError as refusal:
        report(refusal)
    sentry_sdk.flush()
    guard.bus.flush()

    assert transport.events == []
    assert guard.counters.get("decisions", "event", "drop", "refused_by_gate") == 1
    assert guard.counters.get("dropped", "event") == 1
    assert expired == []


def test_sentrys_logs_of_a_refusal_are_dropped_too(
    guard: SessionGuard, transport: CapturingTransport
) -> None:
    try:
        guard.gate.check()
    except SessionExpiredError as refusal:
        log.warning("will try again: %s", refusal)
        log.warning("unrelated")
    sentry_sdk.flush()

    assert bodies(transport) == ["unrelated"]
    assert guard.counters.get("decisions", "log", "drop", "refused_by_gate") == 1


def test_a_reported_refusal_is_no_expiry(
    guard: SessionGuard, transport: CapturingTransport, expired: list[SessionExpired]
) -> None:
    with pytest.raises(SessionExpiredError) as refused:
        guard.gate.check()

    verdict = guard.report(refused.value, operation="chat", provider="kiro", status=401)

    assert (verdict.drop, verdict.reason) == (True, "refused_by_gate")
    guard.bus.flush()
    assert (transport.events, expired) == ([], [])


def own_error(error: BaseException) -> None:
    try:
        raise RuntimeError("the order was lost") from error
    except RuntimeError as own:
        sentry_sdk.capture_exception(own)


def another_logged_beside_it(error: BaseException) -> None:
    log.error("the job failed: %s, %s", error, ZeroDivisionError("a bug"))


def another_failure_logged_beside_it(error: BaseException) -> None:
    log.error("the job failed: %s; before that: kiro API error (401 Unauthorized): no", error)


def another_log_in_its_handling(error: BaseException) -> None:
    log.error("the disk is full")


@pytest.mark.parametrize(
    "report",
    [own_error, another_logged_beside_it, another_failure_logged_beside_it, another_log_in_its_handling],
    ids=lambda one: one.__name__,
)
def test_what_says_more_than_a_refusal_is_kept(
    guard: SessionGuard, transport: CapturingTransport, report: Callable[[BaseException], None]
) -> None:
    try:
        guard.gate.check()
    except SessionExpiredError as refusal:
        report(refusal)
    sentry_sdk.flush()

    assert len(transport.events) == 1


@pytest.mark.parametrize("ours", [True, False], ids=["our 401", "a third party's 401"])
def test_a_refusal_while_a_failed_call_is_handled(
    backend: LLMBackend,
    other_backend: LLMBackend,
    sentry: InitSentry,
    ours: bool,
) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}), lambda event: None)
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))
    guard.gate.close(expiry())

    with openai.OpenAI(
        base_url=(backend if ours else other_backend).url, api_key="k" * 20, max_retries=0
    ) as client:
        try:
            try:
                client.chat.completions.create(model="m", messages=[])
            except openai.AuthenticationError:
                guard.gate.check()
        except SessionExpiredError as refusal:
            sentry_sdk.capture_exception(refusal)

    # Sentry's own OpenAI integration reports the third party's failure, too.
    kinds = [event["exception"]["values"][-1]["type"] for event in transport.events]
    assert kinds == ([] if ours else ["AuthenticationError", "SessionExpiredError"])
    guard.close()


@pytest.mark.integration
def test_a_storm_of_refusals_from_two_workers_sends_nothing(
    backend: LLMBackend, receiver: SentryReceiver, sentry: InitSentry
) -> None:
    expired: list[SessionExpired] = []
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}), expired.append)
    sentry(**guard.sentry_options(dsn=receiver.dsn))

    with openai.OpenAI(base_url=backend.url, api_key="k" * 20, max_retries=0) as client:

        @guard.gate.work()
        def job(number: int) -> None:
            client.chat.completions.create(model="m", messages=[])

        def worker(first: int) -> None:
            for number in range(first, first + 9):
                try:
                    job(number)
                except Exception:
                    log.exception("job %d failed", number)

        worker(-9)  # the session ends
        assert not guard.gate.is_open
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(worker, (0, 9)))
    sentry_sdk.flush(10)
    guard.bus.flush()

    assert receiver.events == []
    assert len(expired) == 1
    assert guard.counters.get("decisions", "event", "drop", "refused_by_gate") >= 18
    guard.close()


def bodies(transport: CapturingTransport) -> list[Any]:
    logs = [item.json["items"] for item in transport.items if item.type == "log"]
    return [one["body"] for batch in logs for one in batch]
