"""Sentry's hooks, called as the SDK calls them and by the SDK itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sentry_sdk

from sentry_filters import Policy, SessionExpired, SessionGuard
from tests.conftest import InitSentry
from tests.support.backend import LLMBackend
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

DSN = "http://a@127.0.0.1:1/1"
TEXT = 'OpenHuman API error (401 Unauthorized): {"success":false,"error":"Invalid token"}'
TAGS: dict[str, object] = {
    "domain": "llm_provider",
    "operation": "chat_completions",
    "provider": "OpenHuman",
    "status": "401",
    "failure": "non_2xx",
}


def event(text: str = TEXT, **tags: object) -> dict[str, Any]:
    return {"tags": {**TAGS, **tags}, "exception": {"values": [{"type": "ApiError", "value": text}]}}


@pytest.fixture
def guard(expired: list[SessionExpired]) -> Iterator[SessionGuard]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), expired.append)
    yield guard
    guard.close()


@pytest.fixture
def silent() -> SessionGuard:
    """A guard without listeners."""
    return SessionGuard(Policy(provider="OpenHuman"))


def test_reference_failure_is_dropped_and_published(
    guard: SessionGuard, expired: list[SessionExpired]
) -> None:
    assert guard.before_send(event(), {}) is None
    assert guard.before_send(event(), {}) is None
    guard.bus.flush()

    [published] = expired
    assert published.reason == TEXT
    assert (published.confirmed, published.session) == (False, None)
    assert published.at.tzinfo is not None


def test_healthy_event_comes_back_as_the_same_object(guard: SessionGuard) -> None:
    healthy = {"message": "hello", "tags": {"provider": "OpenHuman"}, "extra": {"n": [1, 2, None]}}

    assert guard.before_send(healthy, {}) is healthy


def test_kept_event_is_redacted_and_its_original_left_alone(guard: SessionGuard) -> None:
    secret = fake("sk-proj-", 40)
    kept = event(f"kiro API error (401 no): {secret}", provider="kiro")

    sent = guard.before_send(kept, {})

    assert sent["exception"]["values"][0]["value"] == "kiro API error (401 no): [REDACTED]"
    assert secret in kept["exception"]["values"][0]["value"]
    assert sent["_meta"]["exception"]["values"]["0"]["value"][""]["rem"]


def test_reason_is_redacted_then_cut(guard: SessionGuard, expired: list[SessionExpired]) -> None:
    secret = fake("sk-proj-", 60)
    prefix = "OpenHuman API error (401 Unauthorized): " + "x" * 130 + " "

    guard.before_send(event(f"{prefix}{secret} and so on " + "y" * 300), {})
    guard.bus.flush()

    [published] = expired
    assert published.reason == f"{prefix}[REDACTED] and so on {'y' * 300}"[:200]


@pytest.mark.promise("not-hidden")
def test_nobody_listens_then_the_first_failure_is_shown_tagged(silent: SessionGuard) -> None:
    first = event()

    shown = silent.before_send(first, {})

    assert shown["tags"] == {**TAGS, "session_expired": "unhandled"}
    assert first["tags"] == TAGS
    assert silent.before_send(event(), {}) is None
    assert not silent.gate.is_open


def test_tag_is_added_to_pairs_too(silent: SessionGuard) -> None:
    pairs = {**event(), "tags": [list(pair) for pair in TAGS.items()]}

    assert silent.before_send(pairs, {})["tags"][-1] == ["session_expired", "unhandled"]


def test_nobody_listens_after_a_renewal_the_next_dead_session_is_shown(silent: SessionGuard) -> None:
    silent.before_send({**event(), "timestamp": "2026-11-22T12:00:00Z"}, {})
    silent.session_renewed()
    late = {**event(), "timestamp": "2026-11-22T12:00:00+00:00"}

    assert silent.before_send(late, {}) is None, "a late failure is stale, not a new session"
    fresh = {**event(), "timestamp": "2999-01-01T00:00:00Z"}
    assert silent.before_send(fresh, {})["tags"]["session_expired"] == "unhandled"


def test_an_observer_is_not_a_listener(silent: SessionGuard) -> None:
    silent.bus.observe(print)

    assert silent.before_send(event(), {}) is not None


@pytest.mark.parametrize(
    "name", ["before_send", "before_send_transaction", "before_send_log", "before_send_metric"]
)
def test_users_hook_runs_for_what_is_kept(guard: SessionGuard, name: str) -> None:
    seen: list[object] = []

    def users(payload: Any, hint: Any) -> Any:
        seen.append(payload)
        return {**payload, "marked": True}

    hooks: dict[str, Any] = {name: users}
    hook = guard.sentry_options(**hooks)[name]

    assert hook({"tags": {}}, {})["marked"]
    assert hook({"tags": {}, "attributes": {}, "body": "x"}, {})["marked"]
    assert len(seen) == 2


def test_users_hook_is_not_asked_about_what_was_dropped(guard: SessionGuard) -> None:
    hook = guard.sentry_options(before_send=lambda payload, hint: payload)["before_send"]

    assert hook(event(), {}) is None


def test_the_users_hook_raises_as_it_would_without_us(guard: SessionGuard) -> None:
    def users(payload: Any, hint: Any) -> Any:
        raise LookupError("the user's")

    with pytest.raises(LookupError):
        guard.sentry_options(before_send=users)["before_send"]({"message": "x"}, {})


def test_hooks_in_experiments_are_chained_too(guard: SessionGuard) -> None:
    seen: list[object] = []
    options = guard.sentry_options(_experiments={"before_send_log": lambda log, hint: seen.append(log)})

    options["before_send_log"]({"body": "x"}, {})

    assert seen == [{"body": "x"}]


def test_own_hook_passed_as_the_users_is_not_run_twice(guard: SessionGuard) -> None:
    options = guard.sentry_options(before_send=guard.before_send)
    dirty = {"message": fake("sk-proj-", 40)}

    assert options["before_send"](dirty, {}) is dirty, "redaction is the transport's"


def test_log_of_our_failure_is_dropped(guard: SessionGuard) -> None:
    hook = guard.sentry_options()["before_send_log"]

    assert hook({"body": TEXT, "attributes": {"domain": "llm_provider"}}, {}) is None
    assert hook({"body": "failed", "attributes": TAGS}, {}) is None
    attributes = {key: {"value": value, "type": "string"} for key, value in TAGS.items()}
    assert hook({"body": "failed", "attributes": attributes}, {}) is None
    kept = {"body": "401 unauthorized", "attributes": {"provider": "kiro"}}
    assert hook(kept, {}) is kept


def test_metric_of_our_failure_is_dropped(guard: SessionGuard) -> None:
    hook = guard.sentry_options()["before_send_metric"]

    assert hook({"name": "llm.failures", "value": 1, "attributes": TAGS}, {}) is None
    kept = {"name": "llm.failures", "value": 1, "attributes": {**TAGS, "status": 500}}
    assert hook(kept, {}) is kept


def test_log_records_arguments_lead_to_the_cause(sentry: InitSentry) -> None:
    policy = Policy(provider="OpenHuman", hosts={"api.example.ai"}, not_session_codes=())
    guard = SessionGuard(policy, lambda event: None)
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))

    def failed(status: int, host: str) -> Exception:
        error = RuntimeError("no")
        error.response = FakeResponse(status, f"https://{host}/v1/chat/completions")  # type: ignore[attr-defined]
        return error

    log = logging.getLogger("agent")
    log.error("turn failed: %s", failed(401, "api.example.ai"))
    log.error("turn failed: %(error)s", {"error": failed(401, "api.example.ai")})
    log.error("turn failed: %s", failed(401, "other.example"))
    log.error("turn failed: %s", failed(500, "api.example.ai"))

    assert [sent["logentry"]["params"] for sent in transport.events] == [["RuntimeError('no')"]] * 2


@pytest.mark.parametrize(("further", "shown"), [("", 0), ("; the other API answered 401", 1)])
def test_a_log_about_an_error_whose_text_has_two_lines_states_no_second_failure(
    further: str, shown: int, sentry: InitSentry, backend: LLMBackend
) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}), lambda event: None)
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))
    headers = {"authorization": f"Bearer {fake('eyJ', 40)}"}
    with pytest.raises(httpx.HTTPStatusError) as failed:
        httpx.post(f"{backend.url}/chat/completions", headers=headers, json={}).raise_for_status()

    logging.getLogger("agent").error(f"the turn failed: %s{further}", failed.value)

    assert "\n" in str(failed.value)
    assert len(transport.events) == shown


class FakeResponse:
    """Shaped like the responses of HTTP libraries other than httpx."""

    def __init__(self, status_code: int, url: str) -> None:
        self.status_code = status_code
        self.url = url


def test_error_log_of_a_handler_reaches_sentry_and_ends_there(sentry: InitSentry) -> None:
    def handler(published: SessionExpired) -> None:
        logging.getLogger("app").error("please sign in")

    guard = SessionGuard(Policy(provider="OpenHuman"), handler)
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))

    with sentry_sdk.new_scope() as scope:
        scope.set_tags(TAGS)
        scope.capture_message("OpenHuman API error (401 Unauthorized)", "error")
    assert guard.bus.flush()

    [sent] = transport.events
    assert sent["logentry"]["message"] == "please sign in"
    assert "provider" not in sent.get("tags", {})


def test_facts_do_not_become_tags_of_an_ambient_scope(guard: SessionGuard, sentry: InitSentry) -> None:
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))
    guard.before_send(event(), {})

    sentry_sdk.capture_message("the next unrelated error", "error")

    [sent] = transport.events
    assert sent.get("tags", {}) == {}


@pytest.mark.parametrize("pairs", [False, True], ids=["dict", "pairs"])
def test_secret_in_a_tags_key_leaves_a_key_that_sentry_accepts(guard: SessionGuard, pairs: bool) -> None:
    tags: dict[str, str] = {fake("sk-proj-", 40): "a", "REDACTED": "the user's own", "b": "c"}
    dirty = {"tags": [list(pair) for pair in tags.items()] if pairs else tags}

    sent = guard.before_send(dirty, {})["tags"]

    assert [value for _, value in sent] if pairs else list(sent.values()) == ["a", "the user's own", "c"]
    keys = [key for key, _ in sent] if pairs else list(sent)
    assert all(set(key) <= set("REDACTEDb-2") for key in keys)


@pytest.mark.parametrize(
    "timestamp",
    [10**400, float("inf"), float("nan"), "9999-99-99"],
    ids=["too long", "inf", "nan", "no date"],
)
def test_an_invalid_time_is_unknown_and_not_a_fault(timestamp: object) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    event = {"tags": TAGS, "timestamp": timestamp}

    assert guard.before_send(event, {}) is None
    assert guard.counters.get("faults") == 0
