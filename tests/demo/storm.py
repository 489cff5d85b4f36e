"""One side of the demo: cron jobs, an LLM backend whose session ends, a rejected third-party key, a bug."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import sentry_sdk

from sentry_filters import Ledger, Policy, SessionExpired, SessionExpiredError, SessionGuard
from tests.support.backend import LLMBackend
from tests.support.clients import OPENAI_HTTP
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake

_log = logging.getLogger("cron")

THREADS = 8
JOBS = 83  # each makes at most two calls and reports twice: 332 events, as recorded
RETRIES = 2
BACKEND_SECRET = fake("sk-proj-", 40, seed="in the backend's body")
SESSION = fake("eyJ", 40, seed="session")
NEW_SESSION = fake("eyJ", 40, seed="new session")
USERS_KEY = fake("sk-ant-api03-", 60, seed="user")


@dataclass(frozen=True)
class Outcome:
    """What one side of the demo measured."""

    events_received: int
    session_events: int
    third_party_events: int
    bug_events: int
    secrets: int
    published: int
    saved: int
    calls: int
    after_sign_in: int
    reason: str
    seconds: float


@dataclass(frozen=True)
class _Side:
    backend: LLMBackend
    third_party: LLMBackend
    guard: SessionGuard | None

    @contextmanager
    def client(self, backend: LLMBackend, key: str) -> Iterator[openai.OpenAI]:
        with OPENAI_HTTP.Client() as http_client:
            if self.guard is not None:
                self.guard.instrument(http_client)
            yield openai.OpenAI(base_url=backend.url, api_key=key, http_client=http_client, max_retries=0)


def run_storm(ledger: Path | None) -> Outcome:
    """Run one side, and return what it measured.

    Args:
        ledger: Where the filter records its decisions; None for the side without it.
    """
    expired: list[SessionExpired] = []
    started = time.perf_counter()
    # Sentry's logging integration makes an event of every error log; the terminal need not see them.
    logging.getLogger().addHandler(logging.NullHandler())
    with LLMBackend() as backend, LLMBackend() as third_party, SentryReceiver() as receiver:
        backend.state.body = f'{{"success":false,"error":"Invalid token","debug":"{BACKEND_SECRET}"}}'
        guard = None
        if ledger is not None:
            policy = Policy(provider="OpenHuman", hosts={backend.address})
            guard = SessionGuard(policy, expired.append, audit=Ledger(ledger))
        side = _Side(backend, third_party, guard)
        _init_sentry(receiver, guard)
        _storm(side)
        _rejected_third_party_key(side)
        _bug_in_the_error_handling(side)
        calls = backend.state.calls
        after_sign_in = _sign_in(side)
        sentry_sdk.flush(20)
        if guard is not None:
            guard.close()
        return _outcome(receiver, guard, expired, calls, after_sign_in, time.perf_counter() - started)


def _init_sentry(receiver: SentryReceiver, guard: SessionGuard | None) -> None:
    # One report for each failure, as in the recorded case: this application captures its errors itself.
    options: dict[str, Any] = {
        "dsn": receiver.dsn,
        "disabled_integrations": [_openai_integration()],
        "server_name": "demo",
    }
    sentry_sdk.init(**(options if guard is None else guard.sentry_options(**options)))


def _openai_integration() -> object:
    from sentry_sdk.integrations.openai import OpenAIIntegration  # noqa: PLC0415 - needs openai loaded first

    return OpenAIIntegration()


def _storm(side: _Side) -> None:
    with side.client(side.backend, SESSION) as client, ThreadPoolExecutor(THREADS) as pool:
        for _ in range(JOBS // THREADS + 1):
            jobs = [pool.submit(_cron_job, side, client) for _ in range(THREADS)]
            for job in jobs:
                job.result()
            sentry_sdk.flush(5)


def _cron_job(side: _Side, client: openai.OpenAI) -> None:
    for _ in range(RETRIES):
        try:
            if side.guard is not None:
                side.guard.gate.check()
            _complete(client)
        except SessionExpiredError:
            continue
        except openai.AuthenticationError as error:
            with sentry_sdk.new_scope() as scope:
                scope.set_tags(_tags("OpenHuman"))
                scope.capture_exception(error)
            _log.error("agent job failed: %s: %s", error, error.response.text)


def _rejected_third_party_key(side: _Side) -> None:
    with side.client(side.third_party, USERS_KEY) as client:
        for number in range(20):
            side.third_party.state.status = 401 + 2 * (number % 2)
            try:
                _complete(client)
            except openai.APIStatusError as error:
                with sentry_sdk.new_scope() as scope:
                    scope.set_tags(_tags("OpenAI"))
                    scope.set_extra("key in use", USERS_KEY)
                    scope.capture_exception(error)


def _bug_in_the_error_handling(side: _Side) -> None:
    with side.client(side.backend, SESSION) as client:
        try:
            try:
                _complete(client)
            except openai.AuthenticationError as error:
                int(error.message)
        except ValueError as bug:
            sentry_sdk.capture_exception(bug)


def _sign_in(side: _Side) -> int:
    side.backend.state.valid.add(NEW_SESSION)
    if side.guard is not None:
        side.guard.session_renewed(NEW_SESSION)
    with side.client(side.backend, NEW_SESSION) as client:
        for _ in range(THREADS):
            if side.guard is not None:
                side.guard.gate.check()
            _complete(client)
    return THREADS


def _complete(client: openai.OpenAI) -> None:
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "good morning"}])


def _tags(provider: str) -> dict[str, str]:
    return {
        "domain": "llm_provider",
        "operation": "chat_completions",
        "provider": provider,
        "status": "401",
        "failure": "non_2xx",
    }


def _outcome(
    receiver: SentryReceiver,
    guard: SessionGuard | None,
    expired: list[SessionExpired],
    calls: int,
    after_sign_in: int,
    seconds: float,
) -> Outcome:
    events = receiver.events
    third_party = [event for event in events if (event.get("tags") or {}).get("provider") == "OpenAI"]
    bugs = [event for event in events if _type_of(event) == "ValueError"]
    received = receiver.bytes
    return Outcome(
        events_received=len(events),
        session_events=len(events) - len(third_party) - len(bugs),
        third_party_events=len(third_party),
        bug_events=len(bugs),
        secrets=sum(received.count(secret.encode()) for secret in (BACKEND_SECRET, SESSION, USERS_KEY)),
        published=len(expired),
        saved=0 if guard is None else guard.gate.refused,
        calls=calls,
        after_sign_in=after_sign_in,
        reason=expired[0].reason if expired else "–",
        seconds=seconds,
    )


def _type_of(event: dict[str, object]) -> str:
    exception = event.get("exception")
    values = exception["values"] if isinstance(exception, dict) else []
    return str(values[-1]["type"]) if values else ""
