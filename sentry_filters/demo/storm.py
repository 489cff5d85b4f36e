"""One side of the demo: cron jobs, an LLM backend whose session ends, a rejected third-party key, a bug."""

from __future__ import annotations

import hashlib
import logging
import string
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sentry_sdk

from sentry_filters.audit import Ledger
from sentry_filters.core import Policy, SessionExpired, SessionExpiredError
from sentry_filters.demo.backend import LLMBackend
from sentry_filters.demo.outcome import Outcome
from sentry_filters.demo.receiver import SentryReceiver
from sentry_filters.evidence import stated_tags
from sentry_filters.guard import SessionGuard

_log = logging.getLogger("cron")

_PROVIDER, _OPERATION = "OpenHuman", "chat_completions"
_THREADS = 8
_ROUNDS = 11
_TRIES = 2  # of each job; each failure is reported twice: 8 * 11 * 2 * 2 = 352 events
_REJECTED = 20
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True, repr=False)
class _Secrets:
    """Made up at run time, so that no scanner takes them for real ones.

    Without a repr: Sentry sends those of local variables, which an application's own code would not hold.
    """

    in_the_body: str
    session: str
    new_session: str
    users_key: str

    @classmethod
    def made_up(cls) -> _Secrets:
        return cls(
            in_the_body=_fake("sk-proj-", 40),
            session=_fake("eyJ", 40),
            new_session=_fake("eyJ", 41),
            users_key=_fake("sk-ant-api03-", 60),
        )


@dataclass(frozen=True, slots=True)
class _Side:
    backend: LLMBackend
    third_party: LLMBackend
    guard: SessionGuard | None
    secrets: _Secrets

    @contextmanager
    def client(self, backend: LLMBackend, key: str) -> Iterator[httpx.Client]:
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=backend.url, headers=headers) as client:
            yield client if self.guard is None else self.guard.instrument(client)


def run_storm(ledger: Path | None) -> Outcome:
    """Run one side, and return what it measured.

    It sets Sentry up for the whole process: run each side in a process of its own.

    Args:
        ledger: Where the filter records its decisions; None for the side without it.
    """
    secrets = _Secrets.made_up()
    expired: list[SessionExpired] = []
    started = time.perf_counter()
    # Sentry's logging integration makes an event of every error log; the terminal need not see them.
    logging.getLogger().addHandler(logging.NullHandler())
    refusal = f'{{"success":false,"error":"Invalid token","debug":"{secrets.in_the_body}"}}'
    with LLMBackend(refusal) as backend, LLMBackend(refusal) as third_party, SentryReceiver() as receiver:
        guard = None
        if ledger is not None:
            policy = Policy(provider=_PROVIDER, hosts={backend.address})
            guard = SessionGuard(policy, expired.append, audit=Ledger(ledger))
        side = _Side(backend, third_party, guard, secrets)
        _init_sentry(receiver, guard)
        _storm(side)
        _rejected_third_party_key(side)
        _bug_in_the_error_handling(side)
        calls = backend.state.calls
        after_sign_in = _sign_in(side)
        sentry_sdk.flush(20)
        if guard is not None:
            guard.close()
        return Outcome(
            **_received(receiver, secrets),
            published=len(expired),
            saved=0 if guard is None else guard.gate.refused,
            calls=calls,
            after_sign_in=after_sign_in,
            reason=expired[0].reason if expired else "-",
            seconds=time.perf_counter() - started,
        )


def _init_sentry(receiver: SentryReceiver, guard: SessionGuard | None) -> None:
    # Integrations of whatever else is installed would change the figures.
    options: dict[str, Any] = {
        "dsn": receiver.dsn,
        "auto_enabling_integrations": False,
        "server_name": "demo",
    }
    sentry_sdk.init(**(options if guard is None else guard.sentry_options(**options)))


def _storm(side: _Side) -> None:
    with side.client(side.backend, side.secrets.session) as client, ThreadPoolExecutor(_THREADS) as pool:
        for _ in range(_ROUNDS):
            for job in [pool.submit(_cron_job, side, client) for _ in range(_THREADS)]:
                job.result()
            sentry_sdk.flush(5)  # Sentry's queue holds 100 events


def _cron_job(side: _Side, client: httpx.Client) -> None:
    for _ in range(_TRIES):
        try:
            if side.guard is not None:
                side.guard.gate.check()
            _complete(client)
        except SessionExpiredError:
            continue
        except httpx.HTTPStatusError as error:
            with sentry_sdk.new_scope() as scope:
                scope.set_tags(stated_tags("llm_provider", _OPERATION, _PROVIDER, 401))
                scope.capture_exception(error)
            # The simulated application's own, outside of any hook: half of the storm are such log records.
            _log.error("agent job failed: %s: %s", error, error.response.text)


def _rejected_third_party_key(side: _Side) -> None:
    with side.client(side.third_party, side.secrets.users_key) as client:
        for number in range(_REJECTED):
            side.third_party.state.status = 401 + 2 * (number % 2)
            try:
                _complete(client)
            except httpx.HTTPStatusError as error:
                with sentry_sdk.new_scope() as scope:
                    scope.set_tags(stated_tags("llm_provider", _OPERATION, "OpenAI", 401))
                    scope.set_extra("key in use", side.secrets.users_key)
                    scope.capture_exception(error)


def _bug_in_the_error_handling(side: _Side) -> None:
    with side.client(side.backend, side.secrets.session) as client:
        try:
            try:
                _complete(client)
            except httpx.HTTPStatusError as error:
                int(str(error))
        except ValueError as bug:
            sentry_sdk.capture_exception(bug)


def _sign_in(side: _Side) -> int:
    """Sign in, and return how many calls work then."""
    side.backend.state.valid.add(side.secrets.new_session)
    if side.guard is not None:
        side.guard.session_renewed(side.secrets.new_session)
    with side.client(side.backend, side.secrets.new_session) as client:
        for _ in range(_THREADS):
            if side.guard is not None:
                side.guard.gate.check()
            _complete(client)
    return _THREADS


def _complete(client: httpx.Client) -> None:
    messages = [{"role": "user", "content": "good morning"}]
    client.post("/chat/completions", json={"model": "m", "messages": messages}).raise_for_status()


def _received(receiver: SentryReceiver, secrets: _Secrets) -> dict[str, int]:
    events, received = receiver.events, receiver.bytes
    third_party = sum((event.get("tags") or {}).get("provider") == "OpenAI" for event in events)
    bugs = sum(_type_of(event) == "ValueError" for event in events)
    return {
        "events_received": len(events),
        "session_events": len(events) - third_party - bugs,
        "third_party_events": third_party,
        "bug_events": bugs,
        "secrets": sum(
            received.count(secret.encode())
            for secret in (secrets.in_the_body, secrets.session, secrets.users_key)
        ),
    }


def _type_of(event: dict[str, object]) -> str:
    exception = event.get("exception")
    values = exception["values"] if isinstance(exception, dict) else []
    return str(values[-1]["type"]) if values else ""


def _fake(prefix: str, length: int) -> str:
    digits = hashlib.shake_128(f"demo {prefix} {length}".encode()).digest(length)
    return prefix + "".join(_LETTERS[byte % len(_LETTERS)] for byte in digits)
