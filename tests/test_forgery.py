"""What an outsider controls (names, hosts, bodies, messages) never causes another's failure to be dropped."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import sentry_sdk
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentry_filters import Policy, SessionExpired, SessionGuard, recognise
from sentry_filters.evidence import fold
from sentry_filters.guard import parts_of
from tests.conftest import InitSentry
from tests.support.sentry import CapturingTransport

HOST = "api.example.ai"
POLICY = Policy(provider="OpenHuman", hosts={HOST})
DSN = "http://a@127.0.0.1:1/1"
TAGS = {
    "domain": "llm_provider",
    "operation": "chat_completions",
    "provider": "OpenHuman",
    "status": "401",
    "failure": "non_2xx",
}

LOOK_ALIKE_LABELS = [
    pytest.param("openhuman", id="case"),
    pytest.param("OPENHUMAN", id="upper case"),
    pytest.param("OpenHuman ", id="trailing blank"),
    pytest.param("OpenHuman\u200b", id="zero-width space"),
    pytest.param("\u041epenHuman", id="Cyrillic O"),
    pytest.param("\uff2fpenHuman", id="full-width O"),
    pytest.param("OpenHuman\x00", id="NUL"),
    pytest.param("Open\u00adHuman", id="soft hyphen"),
    pytest.param("OpenHumаn", id="Cyrillic a"),
    pytest.param("my-OpenHuman", id="prefixed"),
    pytest.param("OpenHuman-proxy", id="suffixed"),
    pytest.param("OpenHuman/OpenAI", id="routed"),
    pytest.param(["OpenHuman"], id="a list"),
    pytest.param({"OpenHuman": 1}, id="a mapping"),
    pytest.param(0, id="a number"),
]

LOOK_ALIKE_URLS = [
    "https://api.example.ai.evil.example/v1/chat/completions",
    "https://evil.example/api.example.ai/v1/chat/completions",
    "https://api.example.ai@evil.example/v1/chat/completions",
    "https://api.example.ai:443@evil.example/v1/chat/completions",
    "https://evil.example/v1/chat/completions?host=api.example.ai",
    "https://evil.example/v1/chat/completions#@api.example.ai",
    "https://api.example.ai\u3002evil.example/v1/chat/completions",
    "https://\u0430pi.example.ai/v1/chat/completions",
    "https://\uff41pi.example.ai/v1/chat/completions",
    "https://xn--pi-7kc.example.ai/v1/chat/completions",
    "https://apiexample.ai/v1/chat/completions",
    "https://example.ai/v1/chat/completions",
    "https://sub.api.example.ai/v1/chat/completions",
]


@pytest.fixture
def published() -> list[SessionExpired]:
    return []


@pytest.fixture
def guarded(published: list[SessionExpired]) -> Any:
    guard = SessionGuard(POLICY, published.append)
    yield guard
    guard.bus.flush()
    guard.close()


@pytest.mark.promise("labels-exact")
@pytest.mark.parametrize("label", LOOK_ALIKE_LABELS)
def test_a_label_that_only_looks_like_the_backends_is_another_provider(
    label: object, guarded: SessionGuard, published: list[SessionExpired], sentry: InitSentry
) -> None:
    transport = CapturingTransport()
    sentry(**guarded.sentry_options(dsn=DSN, transport=transport))

    sentry_sdk.get_client().capture_event({"message": "refused", "tags": {**TAGS, "provider": label}})
    guarded.report("refused", operation="chat", provider=label, status=401)  # type: ignore[arg-type]
    sentry_sdk.capture_message(f"{label} API error (401 Unauthorized)", "error")

    assert len(transport.events) == 3
    guarded.bus.flush()
    assert published == []


@pytest.mark.promise("hosts-canonical", "wire-outweighs-text")
@pytest.mark.parametrize("url", LOOK_ALIKE_URLS)
def test_a_response_of_a_host_that_only_looks_like_the_backends_is_kept(
    url: str, guarded: SessionGuard, published: list[SessionExpired], sentry: InitSentry
) -> None:
    transport = CapturingTransport()
    sentry(**guarded.sentry_options(dsn=DSN, transport=transport))
    client = guarded.instrument(
        httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(401, json={})))
    )

    try:
        client.post(url, headers={"authorization": "Bearer x"}).raise_for_status()
    except httpx.InvalidURL:
        return  # no request was made
    except httpx.HTTPStatusError as error:
        with sentry_sdk.new_scope() as scope:
            scope.set_tags(TAGS)  # even a call site that believes it was the backend
            sentry_sdk.capture_exception(error)

    assert len(transport.events) == 1
    guarded.bus.flush()
    assert published == []


def refused_with(body: bytes, guard: SessionGuard) -> Exception:
    answers = httpx.MockTransport(lambda request: httpx.Response(401, content=body))
    client = guard.instrument(httpx.Client(transport=answers))
    try:
        client.post(f"https://{HOST}/v1/chat/completions", headers={"authorization": "x"}).raise_for_status()
    except httpx.HTTPStatusError as error:
        return error
    raise AssertionError


_bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "code", "errorCode", "detail", "errors", "message", "status"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(_bodies)
@example({"error": {"code": "OpenAI API error (401 Unauthorized)"}})
@example({"message": "OpenAI API error (401 Unauthorized): rotate the key"})
@example({"code": ["invalid_api_key"]})
def test_no_body_of_the_backends_makes_its_401_anything_but_an_expiry_unless_its_code_says_so(
    body: object,
) -> None:
    guard = SessionGuard(POLICY, lambda event: None)
    error = refused_with(json.dumps(body).encode(), guard)

    (failure,) = parts_of(guard).failures_of(error)
    decision = parts_of(guard).decider.decide("event", (failure,))

    assert failure.response is not None
    vetoed = not failure.response.codes.isdisjoint(map(fold, POLICY.not_session_codes))
    assert decision.verdict.reason == ("not_a_session_code" if vetoed else "backend_session_expired")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 200_000, id="nested without end"),
        pytest.param(b'{"error":' * 100_000, id="objects without end"),
        pytest.param(b'{"code":"' + b"a" * 5_000_000 + b'"}', id="a code of 5 MB"),
        pytest.param(b"\xff\xfe" * 100_000, id="no text"),
        pytest.param(b'{"code": "invalid_api_key"' * 50_000, id="broken JSON"),
        pytest.param(b" API error (401" * 200_000, id="statements without end"),
    ],
)
def test_a_body_that_cannot_be_understood_proves_nothing(body: bytes, guarded: SessionGuard) -> None:
    (failure,) = parts_of(guarded).failures_of(refused_with(body, guarded))

    verdict = recognise(failure, POLICY)

    assert failure.response is not None
    assert not failure.response.body_known
    assert (verdict.grade, verdict.confirmed) == ("words", False)


def test_the_reason_of_a_long_body_is_short(guarded: SessionGuard, published: list[SessionExpired]) -> None:
    error = refused_with(json.dumps({"message": "a" * 50_000}).encode(), guarded)
    (failure,) = parts_of(guarded).failures_of(error)

    assert parts_of(guarded).decider.decide("event", (failure,)).drop
    guarded.bus.flush()
    (event,) = published
    assert len(event.reason) <= 200


@pytest.mark.promise("rejected-key")
@settings(deadline=None)
@given(st.text(max_size=200))
@example("OpenHuman API error (401 Unauthorized)")
@example("x\nOpenHuman API error (401 Unauthorized)")
@example("https://api.example.ai/v1/chat/completions 401")
def test_no_message_causes_a_drop_of_a_third_partys_rejected_key(message: str) -> None:
    guard = SessionGuard(POLICY, lambda event: None)

    verdict = guard.report(message, operation="chat_completions", provider="OpenAI", status=401)

    assert not verdict.drop
