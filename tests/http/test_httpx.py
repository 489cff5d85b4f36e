"""The HTTP edge with real clients against a real server."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import httpx2
import pytest
import sentry_sdk
from freezegun import freeze_time

from sentry_filters import Policy, Response, SessionGuard
from sentry_filters.guard import parts_of
from tests.conftest import InitSentry
from tests.support.backend import LLMBackend
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

TOKEN = fake("eyJ", 40)
HEADERS = {"authorization": f"Bearer {TOKEN}"}
LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])


def facts_of(guard: SessionGuard, response: Any) -> Response | None:
    return parts_of(guard).calls.recorded(response)


def call(library: Any, guard: SessionGuard, backend: LLMBackend, mode: str) -> Any:
    """Make one call in one of the ways that clients have, and return its response."""
    url, body = f"{backend.url}/chat/completions?key=x", {"stream": "stream" in mode}

    def sync() -> Any:
        with guard.instrument(library.Client(headers=HEADERS)) as client:
            if mode == "sync":
                return client.post(url, json=body)
            with client.stream("POST", url, json=body) as response:
                response.read()
                return response

    async def asynchronous() -> Any:
        async with guard.instrument(library.AsyncClient(headers=HEADERS)) as client:
            if mode == "async":
                return await client.post(url, json=body)
            async with client.stream("POST", url, json=body) as response:
                await response.aread()
                return response

    return sync() if "async" not in mode else asyncio.run(asynchronous())


@LIBRARIES
@pytest.mark.parametrize("mode", ["sync", "stream", "async", "async-stream"])
def test_failed_response_carries_its_facts(
    library: Any, mode: str, guard: SessionGuard, backend: LLMBackend
) -> None:
    facts = facts_of(guard, call(library, guard, backend, mode))

    assert facts is not None
    assert facts.recorded
    assert (facts.status, facts.path, str(facts.endpoint)) == (401, "/v1/chat/completions", backend.address)
    assert facts.session == guard.fingerprint(TOKEN)
    assert facts.started_at is not None


@LIBRARIES
def test_healthy_response_carries_nothing(library: Any, guard: SessionGuard, backend: LLMBackend) -> None:
    backend.state.valid.add(TOKEN)

    response = call(library, guard, backend, "sync")

    assert response.status_code == 200
    assert facts_of(guard, response) is None


@LIBRARIES
def test_streamed_error_body_is_left_to_the_caller(
    library: Any, guard: SessionGuard, backend: LLMBackend
) -> None:
    with guard.instrument(library.Client()) as client:
        with client.stream("POST", f"{backend.url}/chat/completions", json={}) as response:
            assert facts_of(guard, response) is not None
            assert not response.is_stream_consumed
            assert b"".join(response.iter_raw()) == backend.state.body.encode()


@LIBRARIES
def test_instrument_returns_its_client_and_works_once(library: Any, guard: SessionGuard) -> None:
    users: list[object] = []
    with library.Client(event_hooks={"request": [users.append], "response": [users.append]}) as client:
        assert guard.instrument(guard.instrument(client)) is client
        assert [len(hooks) for hooks in client.event_hooks.values()] == [2, 2]
        assert client.event_hooks["response"][-1] == users.append, "the user's hooks run last"


@pytest.mark.parametrize("wrong", [object(), None, "client"])
def test_what_is_not_a_client_raises_an_error_that_says_what_is_expected(
    guard: SessionGuard, wrong: Any
) -> None:
    with pytest.raises(TypeError, match="expected a Client or AsyncClient of httpx or httpx2"):
        guard.instrument(wrong)


def test_two_guards_do_not_see_each_other(guard: SessionGuard, backend: LLMBackend) -> None:
    other = SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}))
    with other.instrument(guard.instrument(httpx.Client(headers=HEADERS))) as client:
        response = client.post(f"{backend.url}/chat/completions", json={})

    one, two = facts_of(guard, response), facts_of(other, response)

    assert one is not None
    assert two is not None
    assert one.session != two.session, "fingerprints are keyed per guard"


@pytest.mark.promise("fingerprint")
@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ({"authorization": f"Bearer {TOKEN}"}, TOKEN),
        ({"authorization": f"bearer   {TOKEN}"}, TOKEN),
        ({"authorization": TOKEN}, TOKEN),
        ({"x-api-key": TOKEN}, TOKEN),
        ({"api-key": TOKEN}, TOKEN),
        ({"x-api-key": "second", "authorization": f"Bearer {TOKEN}"}, TOKEN),
    ],
)
def test_credential_is_fingerprinted_from_the_first_header_that_has_one(
    guard: SessionGuard, backend: LLMBackend, headers: dict[str, str], credential: str
) -> None:
    with guard.instrument(httpx.Client(headers=headers)) as client:
        facts = facts_of(guard, client.post(f"{backend.url}/chat/completions", json={}))

    assert facts is not None
    assert facts.session == guard.fingerprint(credential) == guard.fingerprint(f"Bearer {credential}")
    assert len(facts.session or "") == 12


def test_a_credential_is_stored_nowhere_but_removed_from_what_is_exported(
    guard: SessionGuard, backend: LLMBackend
) -> None:
    token = fake("", 24)
    with guard.instrument(httpx.Client(headers={"authorization": f"Bearer {token}"})) as client:
        facts = facts_of(guard, client.post(f"{backend.url}/chat/completions", json={}))

    assert token not in repr(facts)
    assert guard.redactor.redact(f"it was {token} all along") == "it was [REDACTED] all along"


def test_operation_is_named_by_the_caller_for_the_calls_inside(
    guard: SessionGuard, backend: LLMBackend
) -> None:
    with guard.instrument(httpx.Client()) as client:
        with guard.operation("native_chat"):
            inside = facts_of(guard, client.post(f"{backend.url}/turn", json={}))
        outside = facts_of(guard, client.post(f"{backend.url}/turn", json={}))

    assert inside is not None
    assert outside is not None
    assert (inside.operation, outside.operation) == ("native_chat", None)


def test_facts_are_remembered_by_the_active_span(
    guard: SessionGuard, backend: LLMBackend, sentry: InitSentry
) -> None:
    sentry(dsn="http://a@127.0.0.1:1/1", transport=CapturingTransport, traces_sample_rate=1.0)
    with guard.instrument(httpx.Client(headers=HEADERS)) as client:
        with sentry_sdk.start_transaction(name="turn") as transaction:
            # Sentry's httpx integration makes a span for the call, which is the active one then.
            response = client.post(f"{backend.url}/chat/completions", json={})

    facts = facts_of(guard, response)

    assert facts is not None
    assert facts.trace_id == transaction.trace_id
    assert facts.span_id is not None
    remembered = parts_of(guard).calls.response_of(transaction.trace_id, facts.span_id)
    assert remembered is not None
    assert remembered.body == backend.state.body
    sent = parts_of(guard).calls.call_of(transaction.trace_id, facts.span_id)
    assert sent is not None
    assert sent.session == guard.fingerprint(TOKEN)


def test_start_of_the_request_is_recorded(guard: SessionGuard, backend: LLMBackend) -> None:
    with freeze_time("2026-11-22T12:00:00Z"), guard.instrument(httpx.Client()) as client:
        facts = facts_of(guard, client.post(f"{backend.url}/chat/completions", json={}))

    assert facts is not None
    assert facts.started_at == 1_795_348_800.0


def test_a_fault_of_ours_never_reaches_the_call(
    guard: SessionGuard,
    backend: LLMBackend,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(TOKEN)

    monkeypatch.setattr(guard.redactor, "register_sent", broken)

    for _ in range(3):
        assert call(httpx, guard, backend, "sync").status_code == 401
    assert guard.counters.get("faults", "http") == 3
    assert caplog.text.count("sentry-filters: http raised RuntimeError") == 1
    assert TOKEN not in caplog.text
