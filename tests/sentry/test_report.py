"""`guard.report`: the reference's guard chain in one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sentry_sdk

from sentry_filters import Policy, SessionExpired, SessionGuard, Verdict
from tests.conftest import InitSentry
from tests.support.backend import LLMBackend
from tests.support.failing import by_httpx
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

DSN = "http://a@127.0.0.1:1/1"
FIVE = {
    "domain": "llm_provider",
    "operation": "native_chat",
    "provider": "kiro",
    "status": "401",
    "failure": "non_2xx",
}


@pytest.fixture
def guard(expired: list[SessionExpired]) -> Iterator[SessionGuard]:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), expired.append)
    yield guard
    guard.close()


@pytest.fixture
def transport(guard: SessionGuard, sentry: InitSentry) -> CapturingTransport:
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))
    return transport


def report(guard: SessionGuard, error: Any = "failed", **changes: Any) -> Verdict:
    facts = {"operation": "native_chat", "provider": "OpenHuman", "status": 401, **changes}
    return guard.report(error, **facts)


def test_expired_session_is_published_and_not_reported(
    guard: SessionGuard, transport: CapturingTransport, expired: list[SessionExpired]
) -> None:
    verdict = report(guard, RuntimeError("no"), body='{"success":false,"error":"Invalid token"}')
    guard.bus.flush()

    assert (verdict.drop, verdict.reason) == (True, "backend_session_expired")
    assert transport.events == []
    [published] = expired
    assert (
        published.reason
        == 'OpenHuman API error (401 Unauthorized): {"success":false,"error":"Invalid token"}'
    )
    assert published.operation == "native_chat"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"provider": "kiro"}, "other_provider"),
        ({"status": 500}, "other_status"),
        ({"status": None}, "unrelated"),
        ({"operation": "audio_speech"}, "other_operation"),
        ({"body": {"error": {"code": "invalid_api_key"}}}, "not_a_session_code"),
        ({"body": b'{"errorCode":"INSUFFICIENT_QUOTA"}'}, "not_a_session_code"),
    ],
)
@pytest.mark.parametrize("error", [RuntimeError("no"), "no"], ids=["exception", "message"])
def test_anything_else_is_reported_once(
    guard: SessionGuard, transport: CapturingTransport, error: Any, changes: dict[str, Any], reason: str
) -> None:
    verdict = report(guard, error, **changes)

    assert (verdict.drop, verdict.reason) == (False, reason)
    assert len(transport.events) == 1


def test_report_is_tagged_in_a_scope_of_its_own(guard: SessionGuard, transport: CapturingTransport) -> None:
    report(guard, provider="kiro")
    sentry_sdk.capture_message("the next one", "error")

    first, second = transport.events
    assert first["tags"] == FIVE
    assert second.get("tags", {}) == {}


def test_reported_secret_is_redacted(guard: SessionGuard, transport: CapturingTransport) -> None:
    secret = fake("sk-proj-", 40)

    report(guard, RuntimeError(f"rejected: {secret}"), provider="kiro", body=secret)

    assert len(transport.events) == 1
    assert secret.encode() not in transport.bytes


def test_nobody_listens_then_the_first_report_is_shown(sentry: InitSentry) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"))
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport))

    assert [report(guard).drop, report(guard).drop] == [True, True]

    [sent] = transport.events
    assert sent["tags"]["session_expired"] == "unhandled"


def test_an_error_raised_while_handling_is_what_the_call_site_says_it_is(
    guard: SessionGuard, transport: CapturingTransport
) -> None:
    class WithResponse(Exception):
        response = type("Response", (), {"status_code": 401})()

    def act() -> Exception:
        try:
            raise WithResponse
        except WithResponse:
            try:
                raise RuntimeError("translated without from")
            except RuntimeError as error:
                return error

    assert report(guard, act()).drop


@pytest.mark.parametrize("error", [None, 7, object()])
def test_nonsense_raises_nothing(guard: SessionGuard, transport: CapturingTransport, error: Any) -> None:
    assert isinstance(guard.report(error, operation=None, provider=None, status="x", body=object()), Verdict)  # type: ignore[arg-type]


def test_a_report_is_decided_without_sentry_too(guard: SessionGuard, expired: list[SessionExpired]) -> None:
    assert report(guard).drop
    assert not report(guard, provider="kiro").drop
    guard.bus.flush()
    assert len(expired) == 1


class HidesItsContext(Exception):
    @property
    def __context__(self) -> BaseException:  # type: ignore[override]
        raise RuntimeError("context")


def test_an_error_that_the_sdk_cannot_read_is_reported_by_its_type(sentry: InitSentry) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", transport=transport))

    verdict = guard.report(HidesItsContext("x"), operation="chat", provider="OpenAI", status=401)

    assert verdict.reason == "other_provider"
    (event,) = transport.events
    assert event["message"] == "HidesItsContext" or event["logentry"]["message"] == "HidesItsContext"
    assert event["tags"]["provider"] == "OpenAI"


def test_a_job_that_fails_after_the_sign_in_is_still_found_to_have_failed_for_the_expiry() -> None:
    with LLMBackend() as backend:
        guard = SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}), lambda event: None)
        guard.instrument()
        with pytest.raises(httpx.HTTPStatusError) as earlier:
            by_httpx(backend.url)
        with pytest.raises(httpx.HTTPStatusError) as first:
            by_httpx(backend.url)
        found = guard.gate.found_by(first.value)
        guard.session_renewed(fake("eyJ", 40, seed="new"))

        late = guard.gate.found_by(earlier.value)

        assert found is not None
        assert late is not None, "it is to run again, not to fail in silence"
        assert late.id == found.id
        assert guard.gate.is_open
        assert guard.gate.found_by(ValueError("no")) is None
        guard.close()
