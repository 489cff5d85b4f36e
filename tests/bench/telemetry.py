"""Sentry transactions and logs: what the hooks get, and what envelopes contain."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

import sentry_sdk.logger
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from tests.bench.edge import DSN, HOST, OURS
from tests.support.secrets import fake
from tests.support.sentry import initialised

_IDS = {"trace_id": "771a43a4192642f0b136d5159a501700"}


def transaction(spans: int = 20, *, failed: bool = False, secret: str = "") -> dict[str, Any]:
    """Return a transaction event.

    Args:
        spans: How many spans it has, besides the failed ones.
        failed: Whether a call of the hosted backend failed with 401: a chat span and its HTTP child.
        secret: Put into every fifth span's data.
    """
    below = [_span(number, secret if number % 5 == 0 else "") for number in range(spans)]
    return {
        "type": "transaction",
        "transaction": "POST /chat",
        "start_timestamp": "2026-11-22T11:59:59.000000Z",
        "timestamp": "2026-11-22T12:00:00.000000Z",
        "contexts": {"trace": {**_IDS, "span_id": "b7ad6b7169203331", "op": "http.server"}},
        "spans": [*below, *(_failed_call() if failed else ())],
    }


def _span(number: int, secret: str) -> dict[str, Any]:
    return {
        **_IDS,
        "span_id": f"{number:016x}",
        "parent_span_id": "b7ad6b7169203331",
        "op": "db" if number % 2 else "http.client",
        "description": f"SELECT title FROM conversation WHERE id = {number}",
        "status": "ok",
        "start_timestamp": "2026-11-22T11:59:59.100000Z",
        "timestamp": "2026-11-22T11:59:59.200000Z",
        "data": {"db.system": "postgresql", "server.address": "db.example.test", "note": f"row {secret}"},
    }


def _failed_call() -> list[dict[str, Any]]:
    url = f"https://{HOST}/v1/chat/completions"
    chat = {**_span(100, ""), "span_id": "c" * 16, "op": "gen_ai.chat", "status": "internal_error"}
    http = {
        **_span(101, ""),
        "span_id": "d" * 16,
        "parent_span_id": "c" * 16,
        "op": "http.client",
        "description": f"POST {url}",
        "status": "unauthenticated",
        "data": {"http.response.status_code": 401, "url": url},
    }
    return [chat, http]


@dataclass(frozen=True, slots=True)
class Logs:
    """The same logs as `before_send_log` gets them, and as the items of one envelope."""

    hooks: list[dict[str, Any]]
    envelope: dict[str, Any]


class _Keeping(Transport):
    """Keeps the payloads of envelopes."""

    payloads: list[dict[str, Any]]

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        super().__init__(options)
        self.payloads = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.payloads += [json.loads(item.get_bytes()) for item in envelope.items if item.type == "log"]


def logs(number: int = 100, *, secret: str = "") -> Logs:
    """Return logs as the SDK itself makes them, every tenth with a secret in it if one is given."""
    hooks: list[dict[str, Any]] = []

    def keep(log: Any, hint: object) -> Any:
        hooks.append(copy.deepcopy(log))
        return log

    transport = _Keeping()
    with initialised(
        dsn=DSN,
        transport=transport,
        enable_logs=True,
        before_send_log=keep,
        auto_enabling_integrations=False,
    ):
        for one in range(number):
            write(one, secret if one % 10 == 0 else "")
        sentry_sdk.flush()
    items = [item for payload in transport.payloads for item in payload["items"]]
    return Logs(hooks, {"items": items})


def write(number: int, secret: str = "") -> None:
    """Write a log line as an application does."""
    sentry_sdk.logger.info(
        "answered {turns} turns for conversation {conversation} " + secret,
        turns=3,
        conversation=number,
        attributes={"model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 812, "region": "eu"},
    )


def expired_log(log: dict[str, Any]) -> dict[str, Any]:
    """Return the log as a report of our expired session."""
    return {**log, "attributes": {**log["attributes"], **OURS}}


def secret_text() -> str:
    """Return a secret as it appears in a text."""
    return "Authorization: Bearer " + fake("sk-" + "proj-", 40)
