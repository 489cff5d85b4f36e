"""Spans inside transactions, and streamed ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
import sentry_sdk

from sentry_filters import Policy, SessionExpired, SessionGuard
from tests.conftest import InitSentry, OpenAIFor
from tests.support.backend import LLMBackend
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport, streams_spans
from tests.support.waiting import eventually

DSN = "http://a@127.0.0.1:1/1"
MESSAGES: Any = [{"role": "user", "content": "hi"}]


@pytest.fixture
def guard(backend: LLMBackend, expired: list[SessionExpired]) -> Iterator[SessionGuard]:
    """A guard for which a status is enough: a body has nothing to say."""
    policy = Policy(provider="OpenHuman", hosts={backend.address}, not_session_codes=())
    guard = SessionGuard(policy, expired.append)
    yield guard
    guard.close()


def http_span(host: str, status: int = 401, **changes: Any) -> dict[str, Any]:
    return {
        "span_id": "h",
        "parent_span_id": "c",
        "op": "http.client",
        "description": f"POST http://{host}/v1/chat/completions",
        "status": "unauthenticated" if status == 401 else "internal_error",
        "data": {"http.response.status_code": status, "url": f"http://{host}/v1/chat/completions"},
        **changes,
    }


def transaction(*spans: dict[str, Any], status: str = "unauthenticated") -> dict[str, Any]:
    return {
        "type": "transaction",
        "contexts": {"trace": {"span_id": "t", "status": status}},
        "spans": list(spans),
    }


CHAT = {"span_id": "c", "parent_span_id": "t", "op": "gen_ai.chat", "status": "internal_error"}
OTHER_WORK = {"span_id": "w", "parent_span_id": "h", "op": "subprocess", "status": "ok"}


def filtered(guard: SessionGuard, event: Any) -> Any:
    return guard.sentry_options()["before_send_transaction"](event, {})


def ids(event: Any) -> list[str]:
    return [span["span_id"] for span in event["spans"]]


def test_provider_call_and_its_http_child_are_removed(guard: SessionGuard, backend: LLMBackend) -> None:
    before = transaction(CHAT, http_span(backend.address), OTHER_WORK)

    after = filtered(guard, before)

    assert ids(after) == ["w"]
    assert after["spans"][0]["parent_span_id"] == "t", "other work moves up to the nearest span that stays"
    assert after["contexts"]["trace"]["status"] == "cancelled"
    assert ids(before) == ["c", "h", "w"]
    assert before["contexts"]["trace"]["status"] == "unauthenticated"


def test_a_transaction_keeps_its_own_status(guard: SessionGuard, backend: LLMBackend) -> None:
    after = filtered(guard, transaction(http_span(backend.address), status="aborted"))

    assert after["contexts"]["trace"]["status"] == "aborted"


@pytest.mark.parametrize(
    "span",
    [
        http_span("other.example"),
        http_span("127.0.0.1:1", status=500),
        {**CHAT, "status": "internal_error"},
        {"span_id": "x", "op": "db", "status": "unauthenticated", "data": {"http.response.status_code": 401}},
        {"span_id": None, "op": None, "status": 7, "data": [], "tags": "x"},
    ],
)
def test_other_spans_stay_and_the_event_is_the_same_object(guard: SessionGuard, span: dict[str, Any]) -> None:
    before = transaction(span)

    assert filtered(guard, before) is before


def test_chat_span_that_recovered_stays(guard: SessionGuard, backend: LLMBackend) -> None:
    after = filtered(guard, transaction({**CHAT, "status": "ok"}, http_span(backend.address)))

    assert ids(after) == ["c"]


@pytest.mark.parametrize("spans", [None, {}, "x", [1, None]], ids=repr)
def test_spans_that_are_not_a_list_are_left_alone(guard: SessionGuard, spans: object) -> None:
    before = {"type": "transaction", "spans": spans}

    assert filtered(guard, before) is before


def test_spans_among_other_objects_are_judged(guard: SessionGuard, backend: LLMBackend) -> None:
    odd: Any = [["no", "span"], None, {"parent_span_id": ["h"]}, {"span_id": ["x"], "parent_span_id": "h"}]

    after: Any = filtered(guard, transaction(http_span(backend.address), *odd))

    assert after["spans"] == [*odd[:3], {"span_id": ["x"], "parent_span_id": "c"}]
    assert guard.counters.get("faults") == 0


def test_a_failure_without_an_id_takes_no_other_span_with_it(
    guard: SessionGuard, backend: LLMBackend
) -> None:
    before = transaction(http_span(backend.address, span_id=None), {"op": "db", "description": "SELECT 1"})

    assert filtered(guard, before) is before


def failing_turn(client: openai.OpenAI) -> None:
    with sentry_sdk.start_transaction(name="agent.turn", op="agent"):
        with sentry_sdk.start_span(op="db", name="load history"):
            pass
        with pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(model="m", messages=MESSAGES)


def test_a_real_transaction_is_sent_without_our_failure(
    guard: SessionGuard, openai_for: OpenAIFor, backend: LLMBackend, sentry: InitSentry
) -> None:
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport, traces_sample_rate=1.0))

    failing_turn(openai_for(backend, fake("eyJ", 30)))

    [sent] = [item.json for item in transport.items if item.type == "transaction"]
    ops = {span["op"] for span in sent["spans"]}
    assert "db" in ops
    assert ops.isdisjoint({"http.client", "gen_ai.chat"})
    assert not [item for item in transport.items if item.type == "span"], "the SDK splits gen_ai spans off"


def test_real_transaction_of_a_third_party_is_untouched(
    guard: SessionGuard, openai_for: OpenAIFor, other_backend: LLMBackend, sentry: InitSentry
) -> None:
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport, traces_sample_rate=1.0))

    failing_turn(openai_for(other_backend, fake("sk-proj-", 30)))

    [sent] = [item.json for item in transport.items if item.type == "transaction"]
    split = [span["name"] for item in transport.items if item.type == "span" for span in item.json["items"]]
    assert "http.client" in {span["op"] for span in sent["spans"]}
    assert "chat m" in split + [span["description"] for span in sent["spans"]]


@streams_spans
def test_streamed_spans_are_sent_without_our_failure(
    guard: SessionGuard,
    openai_for: OpenAIFor,
    backend: LLMBackend,
    other_backend: LLMBackend,
    sentry: InitSentry,
) -> None:
    transport = CapturingTransport()
    stream: Any = {"trace_lifecycle": "stream"}
    sentry(**guard.sentry_options(dsn=DSN, transport=transport, traces_sample_rate=1.0, _experiments=stream))
    clients = {"ours": openai_for(backend, "k" * 20), "theirs": openai_for(other_backend, "k" * 20)}

    for name, client in clients.items():
        with sentry_sdk.traces.start_span(name=name):
            with pytest.raises(openai.AuthenticationError):
                client.chat.completions.create(model="m", messages=MESSAGES)
    sentry_sdk.flush()

    def names() -> list[str]:
        spans = [span for item in transport.items if item.type == "span" for span in item.json["items"]]
        return sorted(span["name"] for span in spans)

    # The SDK's own thread may have taken them before the flush did, and be about to send them.
    assert eventually(lambda: {"ours", "theirs"} <= set(names()))
    assert [name for name in names() if "127.0.0.1" in name or name.startswith("chat")] == [
        f"POST {other_backend.url}/chat/completions",
        "chat m",
    ]
    for item in transport.items:
        if item.type == "span":
            assert item.headers["item_count"] == len(item.json["items"])
