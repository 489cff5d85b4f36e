"""`python -m tests.demo.day FILE`: one day's ledger, for trying `sentry-filters audit` and `dashboard`.

A real guard decides about real reports; only the clock is made up: each hour's records are moved to it.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import sentry_sdk
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Tracer

from otel import GuardedSpanProcessor
from sentry_filters import Ledger, Policy, SessionExpired, SessionExpiredError, SessionGuard
from tests.support.backend import LLMBackend
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake
from tests.support.sentry import initialised

HOURS = 24
_RELEASES = ("chat@2.3.0", "chat@2.4.0")
FAILED_JOBS = {3: 48, 9: 9, 14: 77, 22: 21}
"""In which hours a session expires, and how many jobs fail by it."""
_MINUTES_TO_SIGN_IN = {3: 212, 9: 4, 14: 35}
_MOVED = (
    "UPDATE {table} SET (at, minute) = (SELECT moved, strftime('%Y-%m-%d %H:%M', moved / 1000, 'unixepoch') "
    "FROM (SELECT at + (:minutes + {later}) * 60000 AS moved)) WHERE at >= :since"
)
_MOVED_TOTALS = (
    "UPDATE totals SET minute = strftime('%Y-%m-%d %H:%M', minute, :minutes || ' minutes') "
    "WHERE minute >= strftime('%Y-%m-%d %H:%M', :since / 1000, 'unixepoch')"
)


@dataclass(frozen=True)
class _Parts:
    guard: SessionGuard
    backend: LLMBackend
    client: httpx.Client
    tracer: Tracer


def write_day(path: Path) -> None:
    """Write the ledger of the last 24 whole hours; takes some seconds."""
    first = time.time() // 3600 * 3600 - HOURS * 3600
    for part, release in enumerate(_RELEASES):
        ledger = Ledger(path, release=release)
        with ExitStack() as stack:
            parts = _set_up(stack, ledger)
            for hour in range(part * HOURS // 2, (part + 1) * HOURS // 2):
                since = time.time()
                _play(parts, hour)
                ledger.flush(10)
                # Each hour's storm lies within the hour, whenever this runs.
                to = first + hour * 3600 + 600
                _move(path, since, minutes=round((to - since) / 60), wait=_MINUTES_TO_SIGN_IN.get(hour, 0))
            parts.guard.close()


def _set_up(stack: ExitStack, ledger: Ledger) -> _Parts:
    backend, receiver = stack.enter_context(LLMBackend()), stack.enter_context(SentryReceiver())
    policy = Policy(provider="OpenHuman", hosts={backend.address})
    guard = SessionGuard(policy, _ask_to_sign_in, audit=ledger)
    stack.enter_context(initialised(**guard.sentry_options(dsn=receiver.dsn, default_integrations=False)))
    client = guard.instrument(stack.enter_context(httpx.Client()))
    processor = GuardedSpanProcessor(guard, SimpleSpanProcessor(InMemorySpanExporter()))
    provider = TracerProvider(active_span_processor=processor, shutdown_on_exit=False)
    stack.callback(provider.shutdown)
    return _Parts(guard, backend, client, provider.get_tracer("day"))


def _ask_to_sign_in(event: SessionExpired) -> None:
    """Somebody listens; the day's sign-ins have their times."""


def messages(hour: int) -> int:
    """Return how many other reports occur in an hour; every fourth has an API key in its text."""
    return 6 + hour % 5


def third_party_failures(hour: int) -> int:
    """Return how many failures of users' own keys occur in an hour."""
    return 2 + hour % 3


def refused_calls(hour: int) -> int:
    """Return how many calls the closed gate refuses in an hour."""
    return 10 * (hour + 1) if hour in FAILED_JOBS else 0


def _play(parts: _Parts, hour: int) -> None:
    session = _session(max((signed_in for signed_in in _MINUTES_TO_SIGN_IN if signed_in < hour), default=0))
    for number in range(messages(hour)):
        with sentry_sdk.new_scope() as scope:
            scope.set_extra("request", {"authorization": f"Bearer {session}", "number": number})
            key = fake("sk-proj-", 40) if number % 4 == 0 else "nobody"
            scope.capture_message(f"slow answer for {key}")
    for _ in range(third_party_failures(hour)):
        _third_party(parts)
    for _ in range(FAILED_JOBS.get(hour, 0)):
        _job(parts, session)
    for _ in range(refused_calls(hour)):
        try:
            parts.guard.gate.check()
        except SessionExpiredError:
            continue
    if hour in _MINUTES_TO_SIGN_IN:
        parts.guard.session_renewed(_session(hour))


def _session(signed_in: int) -> str:
    """Return the credential of the sign-in in that hour."""
    return fake("eyJ", 40, seed=str(signed_in))


def _job(parts: _Parts, session: str) -> None:
    try:
        with parts.tracer.start_as_current_span("nightly summary"):
            _complete(parts, session)
    except httpx.HTTPStatusError as error:
        with sentry_sdk.new_scope() as scope:
            scope.set_tags(_tags("OpenHuman", error.response.status_code))
            scope.capture_exception(error)


def _complete(parts: _Parts, session: str) -> None:
    genai = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "m"}
    with parts.tracer.start_as_current_span("chat m", kind=SpanKind.CLIENT, attributes=genai):
        headers = {"authorization": f"Bearer {session}", "connection": "close"}
        answer = parts.client.post(f"{parts.backend.url}/chat/completions", json={}, headers=headers)
        answer.raise_for_status()


def _third_party(parts: _Parts) -> None:
    with sentry_sdk.new_scope() as scope:
        scope.set_tags(_tags("OpenAI", 401))
        scope.capture_message("OpenAI API error (401 Unauthorized): incorrect API key", level="error")


def _tags(provider: str, status: int) -> dict[str, str]:
    return {
        "domain": "llm_provider",
        "operation": "chat_completions",
        "provider": provider,
        "status": str(status),
        "failure": "non_2xx",
    }


def _move(path: Path, since: float, *, minutes: int, wait: int) -> None:
    """Move what was written since then by a number of minutes; a storm lasts a quarter of an hour.

    Args:
        path: The ledger.
        since: Seconds since the epoch.
        minutes: Negative: into the past.
        wait: Minutes from an expiry to its sign-in.
    """
    statements = [
        _MOVED.format(table="decisions", later="(CASE standing WHEN 'repeat' THEN id % 15 ELSE 0 END)"),
        _MOVED.format(table="expiries", later="0"),
        _MOVED.format(table="renewals", later=str(wait)),
        _MOVED_TOTALS,
    ]
    values = {"minutes": minutes, "since": int(since * 1000)}
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement, values)
        connection.execute("COMMIT")


if __name__ == "__main__":
    write_day(Path(sys.argv[1]))
