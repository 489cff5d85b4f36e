"""The recorded storms, end to end: real SDKs, real HTTP, a receiver that reads the bytes."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
import sentry_sdk

from sentry_filters import SessionExpired, SessionGuard
from tests.conftest import InitSentry, OpenAIFor
from tests.support.backend import LLMBackend
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake

THREADS = 8
REPORTS_PER_TURN = 5  # Sentry's OpenAI integration makes the first one by itself


def complete(client: openai.OpenAI) -> None:
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])


class AgentError(Exception):
    """An outer layer's own failure."""


def one_failing_turn(client: openai.OpenAI) -> None:
    """A cron job: the call fails, and every layer above reports it again in its own words."""
    try:
        complete(client)
    except openai.AuthenticationError as error:
        sentry_sdk.capture_exception(error)
        logging.getLogger("agent").error("turn failed: %s", error)
        with sentry_sdk.new_scope() as scope:
            scope.set_tags({"domain": "agent", "operation": "run_turn"})
            try:
                raise AgentError("the turn failed") from error
            except AgentError as outer:
                scope.capture_exception(outer)
        with sentry_sdk.new_scope() as scope:
            scope.set_tags({"domain": "cron", "failure": "retries_exhausted"})
            scope.capture_message(
                'OpenHuman API error (401 Unauthorized): {"error":"Invalid token"}', "error"
            )


@pytest.mark.promise("silence", "one-expiry")
@pytest.mark.integration
@pytest.mark.parametrize("reports", [332, 5_414, 7_038])
def test_storm_sends_nothing_and_publishes_once(
    reports: int,
    guard: SessionGuard,
    openai_for: OpenAIFor,
    backend: LLMBackend,
    other_backend: LLMBackend,
    receiver: SentryReceiver,
    sentry: InitSentry,
    expired: list[SessionExpired],
) -> None:
    sentry(**guard.sentry_options(dsn=receiver.dsn))
    secret = fake("sk-proj-", 40)
    client = openai_for(backend, fake("eyJ", 30))
    third_party = openai_for(other_backend, secret)

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(one_failing_turn, client) for _ in range(reports // REPORTS_PER_TURN + 1)]:
            done.result()
    for _ in range(20):
        with pytest.raises(openai.AuthenticationError):
            complete(third_party)  # Sentry's own OpenAI integration captures it
    sentry_sdk.flush(10)
    guard.bus.flush()

    assert len(receiver.events) == 20
    assert {event["exception"]["values"][-1]["type"] for event in receiver.events} == {"AuthenticationError"}
    assert secret.encode() not in receiver.bytes
    [event] = expired
    assert event.reason == 'OpenHuman API error (401 Unauthorized): {"success":false,"error":"Invalid token"}'
    assert event.source == "llm_provider.openhuman_backend"
    assert (event.operation, event.status, event.confirmed) == ("chat_completions", 401, True)
    assert not guard.gate.is_open
    assert guard.counters.get("dropped", "event") >= reports


@pytest.mark.promise("gate")
def test_gate_is_closed_before_the_first_hook_returns(
    guard: SessionGuard,
    openai_for: OpenAIFor,
    backend: LLMBackend,
    receiver: SentryReceiver,
    sentry: InitSentry,
) -> None:
    open_after_hook = []

    def before_send(event: object, hint: object) -> object:
        dropped = guard.before_send(event, hint)
        open_after_hook.append(guard.gate.is_open)
        return dropped

    sentry(dsn=receiver.dsn, before_send=before_send)
    with pytest.raises(openai.AuthenticationError):
        complete(openai_for(backend, fake("eyJ", 30)))

    assert open_after_hook == [False]


@pytest.mark.promise("unchanged")
def test_the_caller_sees_the_failure_as_it_would_without_the_guard(
    guard: SessionGuard,
    openai_for: OpenAIFor,
    backend: LLMBackend,
    receiver: SentryReceiver,
    sentry: InitSentry,
) -> None:
    key = fake("eyJ", 30)
    with pytest.raises(openai.AuthenticationError) as bare:
        with openai.OpenAI(base_url=backend.url, api_key=key, max_retries=0) as plain:
            complete(plain)

    sentry(**guard.sentry_options(dsn=receiver.dsn))
    with pytest.raises(openai.AuthenticationError) as guarded:
        complete(openai_for(backend, key))

    assert type(guarded.value) is type(bare.value)
    assert str(guarded.value) == str(bare.value)
    assert guarded.value.response.json() == bare.value.response.json()


@pytest.mark.promise("in-doubt")
def test_an_error_raised_while_handling_the_401_is_kept(
    guard: SessionGuard,
    openai_for: OpenAIFor,
    backend: LLMBackend,
    receiver: SentryReceiver,
    sentry: InitSentry,
) -> None:
    sentry(**guard.sentry_options(dsn=receiver.dsn))
    try:
        try:
            complete(openai_for(backend, fake("eyJ", 30)))
        except openai.AuthenticationError as error:
            del vars(error)["no such attribute"]
    except KeyError as bug:
        sentry_sdk.capture_exception(bug)
    sentry_sdk.flush(5)

    [event] = receiver.events
    assert event["exception"]["values"][-1]["type"] == "KeyError"
