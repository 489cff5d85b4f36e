"""How good the evidence is: facts and statements decide, words corroborate only."""

from __future__ import annotations

import dataclasses
import io
import logging
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from sentry_filters import Endpoint, Failure, Policy, Response, SessionGuard, recognise
from sentry_filters.evidence import failure_of_tags
from sentry_filters.guard import parts_of
from sentry_filters.sentry.evidence import failures_of_event, failures_of_telemetry

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})
URL = "https://api.example.ai/v1/chat/completions"
BODY = '{"success":false,"error":"Invalid token"}'
WIRE = f"OpenHuman API error (401 Unauthorized): {BODY}"
TAGS = {
    "domain": "llm_provider", "operation": "chat_completions", "provider": "OpenHuman", "status": "401",
    "failure": "non_2xx",
}  # fmt: skip


def fact(**changes: Any) -> Failure:
    facts: dict[str, Any] = {
        "status": 401, "endpoint": Endpoint("api.example.ai", 443), "path": "/v1/chat/completions",
        "method": "POST", "credential": True, "by_backend": True, "body": BODY, "body_known": True,
    }  # fmt: skip
    return Failure(response=Response(**{**facts, **changes}))


def judged(failure: Failure, policy: Policy = POLICY) -> str:
    """Return the grade of what may be dropped, else the reason for which it is kept."""
    verdict = recognise(failure, policy)
    assert verdict.confirmed is (verdict.drop and verdict.grade == "fact")
    return verdict.grade if verdict.drop else verdict.reason


@pytest.mark.promise("who-publishes")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, "fact", id="all there"),
        pytest.param({"credential": None, "by_backend": None, "method": None}, "fact", id="not known"),
        pytest.param({"credential": False}, "no_credential", id="no credential"),
        pytest.param({"by_backend": False}, "not_the_backend", id="a proxy"),
        pytest.param({"method": "GET"}, "other_operation", id="GET"),
        pytest.param({"method": "GET", "operation": "warmup"}, "fact", id="GET, named"),
        pytest.param({"body": None, "body_known": False}, "words", id="body unknown"),
        pytest.param({"status": 403}, "fact", id="403 with JSON"),
        pytest.param({"status": 403, "body": "Forbidden"}, "not_the_backend", id="403 with text"),
        pytest.param({"status": 403, "body": None}, "not_the_backend", id="403 without a body"),
        pytest.param({"status": 403, "body": None, "body_known": False}, "words", id="403, body unknown"),
        pytest.param({"codes": frozenset({"invalid_api_key"})}, "not_a_session_code", id="code"),
        pytest.param({"codes": frozenset({"InvalidApiKey"})}, "not_a_session_code", id="code, camel case"),
        pytest.param({"path": "/api/survey/responses"}, "other_operation", id="survey"),
        pytest.param({"path": "/v1/threads/7/messages"}, "other_operation", id="thread"),
        pytest.param({"path": "/openai/deployments/m/embeddings"}, "fact", id="deployment"),
        pytest.param({"path": "/v1beta/models/m:generateContent"}, "fact", id="Gemini"),
        pytest.param({"path": "/model/m/converse-stream"}, "fact", id="Bedrock"),
        pytest.param({"path": "/api/chat"}, "fact", id="Ollama"),
        pytest.param({"path": "/v2/chat"}, "fact", id="Cohere"),
    ],
)
def test_grade_of_what_the_wire_said(changes: dict[str, Any], expected: str) -> None:
    assert judged(fact(**changes)) == expected


def test_where_a_body_has_nothing_to_say_the_status_is_enough() -> None:
    policy = dataclasses.replace(POLICY, not_session_codes=())

    assert judged(fact(body=None, body_known=False), policy) == "fact"
    assert judged(fact(status=403, body=None, body_known=False), policy) == "fact"


@pytest.mark.promise("who-publishes")
@pytest.mark.parametrize(
    ("tags", "text", "expected"),
    [
        pytest.param(TAGS, "failed", "statement", id="five tags"),
        pytest.param({**TAGS, "failure": None}, WIRE, "statement", id="domain and wire text"),
        pytest.param({"domain": "cron"}, WIRE, "statement", id="another domain and wire text"),
        pytest.param({"domain": "cron"}, f"ApiError: chat: {WIRE}", "statement", id="prefixes"),
        pytest.param({"domain": "cron"}, "OpenHuman returned HTTP 401", "statement", id="no body"),
        pytest.param(
            {"domain": "llm_provider"},
            "OpenHuman API error (401 Unauthorized): no",
            "statement",
            id="own layer",
        ),
        pytest.param(
            {"domain": "chat"}, "OpenHuman API error (401 no): why?", "words", id="somebody's question"
        ),
        pytest.param({}, WIRE, "words", id="no domain"),
        pytest.param({"domain": "cron"}, f"the turn failed: {WIRE}", "words", id="more than a word before"),
        pytest.param({"domain": "db"}, f"insert failed, row: ('{WIRE}')", "words", id="a row"),
        pytest.param(
            {"domain": "db"}, f"ValueError: cannot parse user message: '{WIRE}'", "words", id="quoted"
        ),
        pytest.param({"domain": "chat"}, f"'{WIRE}'", "words", id="in quotes"),
        pytest.param({"domain": "chat"}, f"{WIRE} what does that mean?", "words", id="something behind it"),
        pytest.param({"domain": "chat"}, f"{WIRE}\n> hello", "words", id="a line behind it"),
        pytest.param(
            {"domain": "cron"}, "OpenHuman API error (401 no): <html>", "not_the_backend", id="a page"
        ),
        pytest.param(
            TAGS, 'OpenHuman API error (401 no): {"type": "INVALID-API-KEY"}', "not_a_session_code", id="code"
        ),
        pytest.param(
            TAGS,
            'OpenHuman API error (401 no): {"code": "invalid_api_key", "m',
            "not_a_session_code",
            id="cut",
        ),
    ],
)
def test_grade_of_what_is_said(tags: dict[str, object], text: str, expected: str) -> None:
    assert judged(failure_of_tags(tags, text=text)) == expected


def test_only_what_is_confirmed_publishes_where_the_policy_says_so() -> None:
    policy = dataclasses.replace(POLICY, publish_on="confirmed")

    assert judged(failure_of_tags(TAGS), policy) == "words"
    assert judged(fact(), policy) == "fact"


def test_who_names_no_session_where_they_are_told_apart_says_words() -> None:
    policy = dataclasses.replace(POLICY, scope="session")

    assert judged(failure_of_tags(TAGS), policy) == "words"
    assert judged(fact(), policy) == "words"
    assert judged(fact(session="a" * 12), policy) == "fact"


def test_a_log_or_message_that_informs_is_somebodys_words() -> None:
    domain = {"domain": "chat"}
    of = parts_of(SessionGuard(POLICY)).failures_of
    for level, expected in (("info", "words"), ("debug", "words"), ("error", "statement")):
        [failure] = failures_of_event({"message": WIRE, "tags": domain, "level": level}, {}, of)
        assert judged(failure) == expected
    for severity, expected in ((9, "words"), (13, "statement"), (17, "statement")):
        item = {"body": WIRE, "attributes": domain, "severity_number": severity}
        [failure] = failures_of_telemetry(item, of)
        assert judged(failure) == expected


def received(headers: dict[str, str], body: str = BODY, sent: str | None = "Bearer token") -> Failure:
    """Return the failure of a response of our own host."""
    request = httpx.Request("POST", URL, headers={} if sent is None else {"authorization": sent})
    response = httpx.Response(401, request=request, headers=headers, text=body)
    error: Any = RuntimeError("no")
    error.response = response
    [failure] = parts_of(SessionGuard(POLICY)).failures_of(error)
    return failure


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        pytest.param({"www-authenticate": 'Bearer realm="a, Basic b"'}, BODY, "fact", id="Bearer"),
        pytest.param({"www-authenticate": 'Bearer error = "x", scope=y'}, BODY, "fact", id="parameters"),
        pytest.param({"www-authenticate": 'Basic realm="lobby"'}, BODY, "not_the_backend", id="Basic"),
        pytest.param({"www-authenticate": "Bearer, NTLM"}, BODY, "not_the_backend", id="two schemes"),
        pytest.param({"proxy-authenticate": "Bearer"}, BODY, "not_the_backend", id="proxy"),
        pytest.param({"cf-mitigated": "challenge"}, BODY, "not_the_backend", id="firewall"),
        pytest.param({"content-type": "text/HTML"}, BODY, "not_the_backend", id="HTML by its type"),
        pytest.param({}, " <!doctype html>", "not_the_backend", id="HTML by its looks"),
        pytest.param({"content-type": "text/plain"}, "Unauthorized", "fact", id="plain text"),
        pytest.param({}, "", "fact", id="empty"),
        pytest.param({}, 'data: {"code": "x"}', "words", id="JSON within text"),
    ],
)
def test_the_backend_itself_has_to_answer(headers: dict[str, str], body: str, expected: str) -> None:
    assert judged(received(headers, body)) == expected


@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer ", "Bearer None", "bearer null", "undefined", "Bearer undefined"]
)
def test_what_no_credential_was_sent_with_ended_no_session(sent: str | None) -> None:
    assert judged(received({}, sent=sent)) == "no_credential"


@pytest.mark.parametrize(
    "body",
    [
        '{"type": "invalid_api_key"}',
        '{"status": "INVALID_API_KEY"}',
        '{"error": "Invalid API key"}',
        '{"reason": "invalid-api-key"}',
        '{"error-code": "invalidApiKey"}',
        '{"a": {"b": [{"c": {"errorCode": "invalid_api_key"}}]}}',
        '{"code": ["invalid_api_key"]}',
    ],
)
def test_a_code_is_found_anywhere_and_in_any_spelling(body: str) -> None:
    assert judged(received({}, body)) == "not_a_session_code"


@pytest.mark.promise("long-bodies")
@pytest.mark.parametrize(
    "body",
    [
        "[" * 30 + "]" * 30,
        '{"a": [' + "1," * 5_000 + "1]}",
        '{"code": "invalid_api_key"'[:-1],
        '{"m": "' + "a" * 70_000 + '"}',
    ],
    ids=["deep", "many values", "cut", "long"],
)
def test_a_body_that_was_not_searched_in_full_is_not_known(body: str) -> None:
    assert judged(received({}, body)) == "words"


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        pytest.param({"content": BODY.encode()}, "fact", id="bytes"),
        pytest.param({"text": BODY}, "fact", id="text"),
        pytest.param({"buffer": io.BytesIO(BODY.encode())}, "fact", id="buffer"),
        pytest.param({"body": b'{"code":"invalid_api_key"}'}, "not_a_session_code", id="another code"),
        pytest.param({"content": b""}, "words", id="empty: perhaps not read"),
        pytest.param({"body": object()}, "words", id="an object that reads"),
    ],
)
def test_the_body_of_any_clients_response_is_known_where_it_is_a_value_of_its_own(
    own: dict[str, object], expected: str
) -> None:
    error: Any = RuntimeError("bad status 401")
    error.response = SimpleNamespace(status_code=401, url=URL, headers={}, **own)

    [failure] = parts_of(SessionGuard(POLICY)).failures_of(error)

    assert judged(failure) == expected


def test_taking_a_path_out_lasts() -> None:
    policy = Policy(
        provider="OpenHuman", hosts={"api.example.ai"}, paths={"/embeddings": None, "/turn": "turn"}
    )
    again = dataclasses.replace(policy, scope="session")

    for one in (policy, again):
        assert one.operation_of_path("/v1/embeddings") is None
        assert one.operation_of_path("/v9/turn") == "turn"
        assert "turn" in one.llm_operations
        assert "embeddings" not in one.llm_operations
    assert POLICY.operation_of_path("/v1/chat/completions") == "chat_completions"
    assert POLICY.operation_of_path("/v1/completions") == "completions"


def test_a_policy_without_hosts_is_warned_about_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "sentry_filters"):
        SessionGuard(POLICY)
        assert caplog.records == []
        SessionGuard(Policy(provider="OpenHuman"))

    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "hosts is empty" in record.getMessage()


def test_reading_never_calls_and_never_raises() -> None:
    class Hostile:
        status_code = 401

        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

        def __call__(self) -> None:
            raise AssertionError("called")

    error: Any = RuntimeError(
        "no", Hostile(), SimpleNamespace(status_code=401, url=Hostile(), headers=Hostile())
    )
    error.response, error.other = Hostile(), Hostile()

    [failure] = parts_of(SessionGuard(POLICY)).failures_of(error)

    assert not recognise(failure, POLICY).drop
