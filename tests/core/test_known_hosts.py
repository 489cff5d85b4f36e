"""Hosts that cannot be right are one WARNING each: none at all, or none that was ever seen."""

from __future__ import annotations

import httpx
import pytest

from sentry_filters import Endpoint, Failure, Policy, Response, SessionGuard
from sentry_filters.core.known_hosts import ENOUGH
from sentry_filters.evidence import failure_of_tags
from sentry_filters.guard import parts_of

TAGS = {
    "domain": "llm_provider", "operation": "chat_completions", "provider": "OpenHuman", "status": "401",
    "failure": "non_2xx",
}  # fmt: skip
WARNED = "none of its hosts (api.example.ai) was seen: check hosts in the policy"


def guarding(*hosts: str) -> SessionGuard:
    return SessionGuard(Policy(provider="OpenHuman", hosts=hosts), print)


def failure(host: str, tags: object = TAGS, text: str = "") -> Failure:
    response = Response(
        status=401, endpoint=Endpoint(host, 443), path="/v1/chat/completions", body_known=True
    )
    return failure_of_tags(tags, text=text, of=Failure(response=response))


def decide(guard: SessionGuard, one: Failure, times: int = ENOUGH) -> None:
    for _ in range(times):
        parts_of(guard).decider.decide("event", [one])


def test_empty_hosts_are_warned_of_where_the_guard_is_made(caplog: pytest.LogCaptureFixture) -> None:
    guarding().close()

    assert caplog.text.count("hosts is empty in the policy of OpenHuman") == 1


@pytest.mark.parametrize(
    ("tags", "text"),
    [(TAGS, ""), ({}, "OpenHuman API error (401 Unauthorized): {}")],
    ids=["by the tag", "by the text"],
)
def test_hosts_that_are_never_seen_are_warned_of_once(
    tags: object, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    guard = guarding("api.example.ai")

    decide(guard, failure("eu.example.ai", tags, text), ENOUGH - 1)
    assert WARNED not in caplog.text
    decide(guard, failure("eu.example.ai", tags, text), 2 * ENOUGH)

    assert caplog.text.count(WARNED) == 1
    assert (
        f"{ENOUGH} failures name OpenHuman but came from other hosts, the latest from eu.example.ai"
        in caplog.text
    )
    guard.close()


def test_a_host_that_has_failed_was_seen(caplog: pytest.LogCaptureFixture) -> None:
    guard = guarding("api.example.ai")

    decide(guard, failure("api.example.ai"), 1)
    decide(guard, failure("eu.example.ai"))

    assert WARNED not in caplog.text
    guard.close()


def test_a_host_that_has_answered_was_seen(caplog: pytest.LogCaptureFixture) -> None:
    guard = guarding("api.example.ai")
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))

    with guard.instrument(httpx.Client(transport=transport)) as client:
        client.post("https://api.example.ai/v1/chat/completions", headers={"authorization": "Bearer abc"})
    decide(guard, failure("eu.example.ai"))

    assert WARNED not in caplog.text
    guard.close()


@pytest.mark.parametrize(
    "one",
    [
        Failure(text="boom"),
        failure("api.openai.com", {**TAGS, "provider": "OpenAI"}),
        failure("api.openai.com", {}),
        failure_of_tags(TAGS),
    ],
    ids=["nothing", "a third party's", "unnamed", "no response"],
)
def test_who_never_calls_the_backend_is_not_warned(one: Failure, caplog: pytest.LogCaptureFixture) -> None:
    guard = guarding("api.example.ai")

    decide(guard, one, 3 * ENOUGH)

    assert WARNED not in caplog.text
    guard.close()


def test_each_backend_is_warned_of_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    guard = SessionGuard(
        [Policy(provider="OpenHuman", hosts={"api.example.ai"}), Policy(provider="B", hosts={"b.example"})],
        print,
    )

    decide(guard, failure("b.example", {}), 1)
    decide(guard, failure("eu.example.ai"))
    decide(guard, failure("eu.example.ai", {**TAGS, "provider": "B"}))

    assert caplog.text.count("was seen: check hosts") == 1
    guard.close()
