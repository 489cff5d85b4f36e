"""Two guards in one Sentry client: both decide about every event, whichever drops it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import sentry_sdk

from sentry_filters import Policy, SessionExpired, SessionGuard
from tests.conftest import InitSentry
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

DSN = "http://a@127.0.0.1:1/1"

Heard = list[SessionExpired]


class Listening:
    """A guard of a provider, and what its handler was told."""

    def __init__(self, provider: str) -> None:
        self.heard: Heard = []
        self.guard = SessionGuard(Policy(provider=provider), self.heard.append)

    def told(self) -> list[str]:
        assert self.guard.bus.flush(10)
        return [event.provider for event in self.heard]


@pytest.fixture
def listening() -> Iterator[Any]:
    with ExitStack() as stack:

        def make(provider: str) -> Listening:
            made = Listening(provider)
            stack.callback(made.guard.close)
            return made

        yield make


def fail(provider: str, reason: str = "no") -> None:
    with sentry_sdk.new_scope() as scope:
        scope.set_tags({"domain": "llm_provider", "operation": "chat", "provider": provider})
        scope.set_tags({"status": "401", "failure": "non_2xx"})
        scope.capture_message(f"{provider} API error (401 Unauthorized): {reason}", "error")


def chained_by_hook(one: SessionGuard, other: SessionGuard, **options: Any) -> dict[str, Any]:
    return one.sentry_options(before_send=other.before_send, **options)


def chained_by_options(one: SessionGuard, other: SessionGuard, **options: Any) -> dict[str, Any]:
    return one.sentry_options(**other.sentry_options(**options))


@pytest.mark.parametrize("chain", [chained_by_hook, chained_by_options])
def test_two_backends_are_each_their_guards(listening: Any, sentry: InitSentry, chain: Any) -> None:
    one, other = listening("OpenHuman"), listening("Other")
    transport = CapturingTransport()
    sentry(**chain(one.guard, other.guard, dsn=DSN, transport=transport))

    for provider in ("OpenHuman", "Other", "kiro", "OpenHuman", "Other"):
        fail(provider)

    assert [event["tags"]["provider"] for event in transport.events] == ["kiro"]
    assert (one.told(), other.told()) == (["OpenHuman"], ["Other"])
    assert (one.guard.gate.is_open, other.guard.gate.is_open) == (False, False)


@pytest.mark.parametrize("chain", [chained_by_hook, chained_by_options])
def test_two_guards_of_one_backend_are_both_told(listening: Any, sentry: InitSentry, chain: Any) -> None:
    one, other = listening("OpenHuman"), listening("OpenHuman")
    transport = CapturingTransport()
    sentry(**chain(one.guard, other.guard, dsn=DSN, transport=transport))

    fail("OpenHuman")
    fail("OpenHuman")

    assert transport.events == []
    assert (one.told(), other.told()) == (["OpenHuman"], ["OpenHuman"])
    assert (one.guard.gate.is_open, other.guard.gate.is_open) == (False, False)


def test_the_users_hook_at_the_end_of_a_chain_is_not_asked_about_what_was_dropped(
    listening: Any, sentry: InitSentry
) -> None:
    one, other, third = listening("OpenHuman"), listening("OpenHuman"), listening("OpenHuman")
    seen: list[str] = []

    def users(event: Any, hint: Any) -> Any:
        seen.append(event["tags"]["provider"])
        return event

    options = other.guard.sentry_options(**third.guard.sentry_options(dsn=DSN, before_send=users))
    transport = CapturingTransport()
    sentry(**{**one.guard.sentry_options(**options), "transport": transport})

    fail("OpenHuman")
    fail("kiro")

    assert seen == ["kiro"]
    assert [guard.told() for guard in (one, other, third)] == [["OpenHuman"]] * 3


@pytest.mark.parametrize("chain", [chained_by_hook, chained_by_options])
def test_what_a_chain_keeps_leaves_once_and_redacted(listening: Any, sentry: InitSentry, chain: Any) -> None:
    one, other = listening("OpenHuman"), listening("Other")
    transport = CapturingTransport()
    sentry(**chain(one.guard, other.guard, dsn=DSN, transport=transport))
    secret = fake("sk-proj-", 40)

    fail("kiro", secret)

    [event] = transport.events
    message = event.get("message") or event["logentry"]["message"]
    assert message == "kiro API error (401 Unauthorized): [REDACTED]"
    assert secret.encode() not in transport.bytes
    for guard in (one.guard, other.guard):
        assert guard.counters.get("redactions", "event") <= 1
        assert guard.counters.get("exported", "event") == 1


def test_the_dsn_may_be_given_first_as_to_init(listening: Any, sentry: InitSentry) -> None:
    guard = listening("OpenHuman").guard
    transport = CapturingTransport()
    sentry(**guard.sentry_options(DSN, transport=transport))

    fail("kiro")

    assert len(transport.events) == 1
    with pytest.raises(TypeError, match="expected one DSN"):
        guard.sentry_options(DSN, dsn=DSN)
