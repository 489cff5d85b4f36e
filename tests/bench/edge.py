"""What the benchmarks share: a guard, clients, sinks with the cost of sending, and envelopes."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope, Item, PayloadRef
from sentry_sdk.transport import Transport

from sentry_filters import Policy, SessionGuard
from sentry_filters.guard import parts_of
from tests.bench.timing import Act

DSN = "http://a@127.0.0.1:1/1"
HOST = "api.example.ai"
POLICY = Policy(provider="OpenHuman", hosts={HOST})
OURS = {
    "domain": "llm_provider",
    "operation": "chat_completions",
    "provider": "OpenHuman",
    "status": "401",
    "failure": "non_2xx",
}
"""The tags of our expired session."""
THIRD_PARTYS = {**OURS, "provider": "OpenAI"}
HINT = {"exc_info": (ValueError, ValueError("x"), None)}


class Sink(Transport):
    """Serialises, as every real transport has to, and discards the result."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Serialise."""
        envelope.serialize()


class Queue(Transport):
    """Takes an envelope and does no work, as the SDK's transport leaves it to its worker thread."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Do nothing."""


def listening_guard(policy: Policy = POLICY) -> SessionGuard:
    """Return a guard with a listener, so that what is recognised is dropped."""
    return SessionGuard(policy, lambda event: None)


def client(guard: SessionGuard | None = None, **options: Any) -> sentry_sdk.Client:
    """Return a client of the SDK, guarded if a guard is given."""
    plain = {"dsn": DSN, "transport": Sink, "auto_enabling_integrations": False}
    options = {**plain, **options}
    return sentry_sdk.Client(**(options if guard is None else guard.sentry_options(**options)))


class Boundary:
    """Envelopes on their way to the network: bare, and with the guard's check before.

    Args:
        guard: The guard.
        kind: Sentry's type of the item.
        payload: Makes what the next item holds.
    """

    def __init__(self, guard: SessionGuard, kind: str, payload: Callable[[], Any]) -> None:
        self._guard = guard
        self._kind = kind
        self._next = payload

    def bare(self) -> Act:
        """Serialise and compress."""
        return Act(sent, self._envelope)

    def check(self) -> Act:
        """Check, with the bytes already there."""
        return Act(self._checked, self._serialised)

    def _checked(self, envelope: Envelope) -> Envelope:
        guarded = parts_of(self._guard).boundary.guarded(envelope, _nothing_lost)
        assert guarded is not None
        return guarded

    def _envelope(self) -> Envelope:
        payload = self._next()
        headers = {"item_count": len(payload["items"])} if "items" in payload else {}
        item = Item(PayloadRef(json=payload), type=self._kind, headers=headers)
        return Envelope(headers={"event_id": "1" * 32}, items=[item])

    def _serialised(self) -> Envelope:
        envelope = self._envelope()
        envelope.serialize()
        return envelope


def sent(envelope: Envelope) -> bytes:
    """Serialise into gzip, in the steps of the SDK's HTTP transport (`_serialize_envelope`, level 9)."""
    body = io.BytesIO()
    with gzip.GzipFile(fileobj=body, mode="w", compresslevel=9) as compressed:
        envelope.serialize_into(compressed)
    return body.getvalue()


def _nothing_lost(item: Item) -> None:
    raise AssertionError(f"an item of type {item.type} was withheld")


def with_failed_call(transaction: dict[str, Any]) -> dict[str, Any]:
    """Return a transaction with two spans more: a call that our expired session failed, and its child."""
    parent = transaction["contexts"]["trace"]
    url = f"https://{HOST}/v1/chat/completions"
    both = {"trace_id": parent["trace_id"], "start_timestamp": transaction["start_timestamp"]}
    both["timestamp"] = transaction["timestamp"]
    chat = {**both, "span_id": "c" * 16, "parent_span_id": parent["span_id"], "op": "gen_ai.chat"}
    http = {**both, "span_id": "d" * 16, "parent_span_id": "c" * 16, "op": "http.client"}
    http |= {"description": f"POST {url}", "status": "unauthenticated"}
    http["data"] = {"http.response.status_code": 401, "url": url}
    return {**transaction, "spans": [*transaction["spans"], {**chat, "status": "internal_error"}, http]}
