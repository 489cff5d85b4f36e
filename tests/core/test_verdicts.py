"""Each reason for keeping a failure, beside the nearest that is dropped: the evidence differs in one fact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sentry_filters import Endpoint, Failure, Policy, Response, Verdict, recognise
from sentry_filters.core.recognition import operation_of

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})
BY_SESSION = replace(POLICY, scope="session")
HOSTLESS = Policy(provider="OpenHuman")
OURS = Endpoint("api.example.ai", 443)
EXPIRED = "backend_session_expired"
ANSWER: dict[str, Any] = {
    "status": 401, "endpoint": OURS, "path": "/v1/chat/completions", "body": "{}", "body_known": True,
}  # fmt: skip
TAGGED: dict[str, Any] = {
    "domain": "llm_provider", "operation": "chat_completions", "provider": "OpenHuman", "status": 401,
    "failure": "non_2xx",
}  # fmt: skip
WIRE = "OpenHuman API error (401 Unauthorized): {}"


def answer(**changes: Any) -> Response:
    return Response(**{**ANSWER, **changes})


def answered(failure: dict[str, Any] | None = None, **changes: Any) -> Failure:
    return Failure(response=answer(**changes), **(failure or {}))


def tagged(**changes: Any) -> Failure:
    return Failure(**{**TAGGED, **changes})


def stated(text: str = WIRE, **more: Any) -> Failure:
    return Failure(**{"domain": "llm_provider", "text": text, **more})


@pytest.mark.parametrize(
    ("failure", "policy", "reason"),
    [
        (answered(), POLICY, EXPIRED),
        (answered({"text": "nothing"}), POLICY, EXPIRED),
        (answered(status=500), POLICY, "other_status"),
        (answered({"status": 500}), POLICY, "other_status"),
        (Failure(), POLICY, "unrelated"),
        (answered({"provider": "kiro"}), POLICY, "other_provider"),
        (answered(endpoint=Endpoint("b.example", 443)), POLICY, "contradicting_host"),
        (answered({"rivals": frozenset({Endpoint("b.example", 443)})}), POLICY, "contradicting_host"),
        (answered({"rivals": frozenset({OURS})}), POLICY, EXPIRED),
        (tagged(rivals=frozenset({Endpoint("b.example", 443)})), POLICY, "contradicting_host"),
        (answered({"text": "kiro API error (401 no): {}"}), POLICY, EXPIRED),
        (answered({"text": "OpenHuman API error (500 no): {}"}), POLICY, EXPIRED),
        (answered({"text": "OpenHuman API error (401 no): <p>"}), POLICY, "not_the_backend"),
        (tagged(text="kiro API error (401 no): {}"), POLICY, "other_provider"),
        (tagged(text="OpenHuman API error (500 no): {}"), POLICY, "other_status"),
        (tagged(text="OpenHuman API error (xyz): {}"), POLICY, "other_status"),
        (tagged(text="OpenHuman API error (401 no): <p>"), POLICY, "not_the_backend"),
        (answered({"second_failure": True}), POLICY, "second_failure"),
        (answered({"other_exception": True}), POLICY, "other_exception"),
        (answered({"raised_while_handling": True}), POLICY, "raised_while_handling"),
        (answered({"raised_while_handling": True, "text": WIRE}), POLICY, EXPIRED),
        (answered(codes=frozenset({"Invalid-Api-Key"})), POLICY, "not_a_session_code"),
        (answered({"text": "code 'invalid_api_key'"}), POLICY, "not_a_session_code"),
        (answered({"text": 'code "invalid_api_key"'}), POLICY, "not_a_session_code"),
        (answered({"text": "code invalid_api_key"}), POLICY, EXPIRED),
        (stated('OpenHuman returned HTTP 401: {"code":"INVALID_API_KEY"}'), POLICY, "not_a_session_code"),
        (stated('OpenHuman returned HTTP 401: {"code":"INVALID_API'), POLICY, EXPIRED),
        (stated('OpenHuman returned HTTP 401: {"code":"INVALID_API_KEY'), POLICY, "not_a_session_code"),
        (stated("OpenHuman returned HTTP 401: invalid api key"), POLICY, EXPIRED),
        (tagged(operation="audio_speech"), POLICY, "other_operation"),
        (answered({"domain": "outer", "operation": "nightly"}), POLICY, EXPIRED),
        (answered({"operation": "nightly"}), POLICY, EXPIRED),
        (answered({"operation": "nightly", "provider": "OpenHuman"}), POLICY, "other_operation"),
        (answered(operation="audio_speech"), POLICY, "other_operation"),
        (answered(operation="warmup"), POLICY, EXPIRED),
        (answered(operation="warmup", path="/v1/files", method="GET"), POLICY, EXPIRED),
        (answered(path="/v1/files"), POLICY, "other_operation"),
        (answered(method="GET"), POLICY, "other_operation"),
        (answered(method="POST"), POLICY, EXPIRED),
        (answered({"operation": "warmup"}, method="GET"), POLICY, EXPIRED),
        (answered({"operation": "warmup"}, path="/v1/files"), POLICY, EXPIRED),
        (answered({"operation": "chat_completions"}, path="/v1/files"), POLICY, "other_operation"),
        (answered(path=None), POLICY, "unknown_operation"),
        (answered({"text": WIRE}, path=None), POLICY, EXPIRED),
        (tagged(failure="timeout"), POLICY, "other_failure"),
        (tagged(failure=None), POLICY, EXPIRED),
        (tagged(failure="timeout", domain=None), POLICY, EXPIRED),
        (answered(by_backend=False), POLICY, "not_the_backend"),
        (answered(by_backend=True), POLICY, EXPIRED),
        (answered(status=403), POLICY, EXPIRED),
        (answered(status=403, body="no"), POLICY, "not_the_backend"),
        (answered(status=401, body="no"), POLICY, EXPIRED),
        (answered(status=403, body="no", body_known=False), POLICY, EXPIRED),
        (answered({"provider": "OpenHuman"}, status=403, body="no"), HOSTLESS, EXPIRED),
        (answered(credential=False), POLICY, "no_credential"),
        (answered(credential=True), POLICY, EXPIRED),
        (answered(), HOSTLESS, "unknown_provider"),
        (answered({"provider": "OpenHuman"}), HOSTLESS, EXPIRED),
        (answered({"text": WIRE}), HOSTLESS, EXPIRED),
        (tagged(operation=None), POLICY, "unknown_operation"),
        (tagged(provider=None), POLICY, "unknown_provider"),
        (tagged(status=None), POLICY, "unrelated"),
    ],
)
def test_why_a_failure_is_kept_or_dropped(failure: Failure, policy: Policy, reason: str) -> None:
    verdict = recognise(failure, policy)

    assert (verdict.reason, verdict.drop) == (reason, reason == EXPIRED)
    if reason != EXPIRED:
        assert verdict == Verdict(drop=False, reason=reason, confirmed=False, grade="statement")


@pytest.mark.parametrize(
    ("failure", "policy", "grade"),
    [
        (answered(), POLICY, "fact"),
        (answered(body_known=False), POLICY, "words"),
        (answered(body_known=False), replace(POLICY, not_session_codes=()), "fact"),
        (answered(TAGGED, body_known=False), POLICY, "statement"),
        (answered({"provider": "OpenHuman"}), HOSTLESS, "words"),
        (answered(), BY_SESSION, "words"),
        (answered(session="s"), BY_SESSION, "fact"),
        (tagged(), POLICY, "statement"),
        (tagged(), replace(POLICY, publish_on="confirmed"), "words"),
        (tagged(domain="outer", text=WIRE), POLICY, "statement"),
        (tagged(domain=None, text=WIRE), POLICY, "words"),
        (tagged(failure=None), POLICY, "words"),
        (tagged(status=None, text=WIRE, is_message=False), POLICY, "words"),
        (stated(), POLICY, "statement"),
        (stated(is_message=False), POLICY, "words"),
        (stated(domain=None), POLICY, "words"),
        (stated("OpenHuman returned HTTP 401: no session"), POLICY, "statement"),
        (stated("OpenHuman returned HTTP 401: no session", domain="outer"), POLICY, "words"),
        (stated(WIRE, domain="outer"), POLICY, "statement"),
        (stated("seen: it was OpenHuman returned HTTP 401"), POLICY, "words"),
    ],
)
def test_how_good_the_evidence_is(failure: Failure, policy: Policy, grade: Any) -> None:
    assert recognise(failure, policy) == Verdict(
        drop=True, reason=EXPIRED, confirmed=grade == "fact", grade=grade
    )


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (answered(operation="mine"), "mine"),
        (answered(TAGGED, operation="mine"), "mine"),
        (answered({"domain": "llm_provider", "operation": "tagged"}), "tagged"),
        (answered({"domain": "outer", "operation": "tagged"}), "chat_completions"),
        (answered({"operation": "tagged"}), "chat_completions"),
        (answered({"operation": "warmup"}), "warmup"),
        (answered({"operation": "tagged", "provider": "OpenHuman"}), "tagged"),
        (answered(path="/v1/files"), None),
        (tagged(), "chat_completions"),
        (Failure(), None),
    ],
)
def test_the_operation_that_failed(failure: Failure, expected: str | None) -> None:
    assert operation_of(failure, POLICY) == expected
