"""A worker process of an application: obeys its standard input, and answers in JSON lines."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import httpx
import sentry_sdk

from sentry_filters import Policy, RedisSessions, SessionExpired, SessionExpiredError, SessionGuard

_published: list[SessionExpired] = []


def main(url: str, namespace: str, dsn: str, backend: str, scope: str) -> None:
    """Serve until the input ends."""
    policy = Policy(provider="OpenHuman", hosts={backend}, scope=scope)  # type: ignore[arg-type]
    guard = SessionGuard(policy, _published.append, shared=RedisSessions(url, namespace=namespace))
    sentry_sdk.init(**guard.sentry_options(dsn=dsn, default_integrations=False))
    client = guard.instrument(httpx.Client(base_url=f"http://{backend}", trust_env=False))
    kept: list[httpx.HTTPStatusError] = []
    answer(state(guard, None))
    for line in sys.stdin:
        command, *words = line.split()
        if command == "storm":
            for _ in range(int(words[1])):
                sentry_sdk.capture_exception(failure(client, words[0]))
        elif command == "hold":
            kept.append(failure(client, words[0]))
        elif command == "late":
            sentry_sdk.capture_exception(kept.pop())
        elif command == "renew":
            guard.session_renewed(words[0])
        elif command == "until":
            wait_for(guard, words[0] == "open")
        guard.bus.flush()
        answer(state(guard, words[0] if command == "state" and words else None))
    sentry_sdk.flush()
    guard.close()


def failure(client: httpx.Client, token: str) -> httpx.HTTPStatusError:
    """Call the backend with a dead session, and return what that raises."""
    response = client.post("/v1/chat/completions", json={}, headers={"authorization": f"Bearer {token}"})
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        return error
    raise AssertionError("the session lives")


def wait_for(guard: SessionGuard, opened: bool) -> None:
    """Wait for the gate."""
    latest = time.monotonic() + 15.0
    while guard.gate.is_open is not opened and time.monotonic() < latest:
        time.sleep(0.001)


def state(guard: SessionGuard, token: str | None) -> dict[str, Any]:
    """Return what a test wants to know."""
    session = None if token is None else guard.fingerprint(token)
    try:
        guard.gate.check(session=session)
        closed_by = None
    except SessionExpiredError as error:
        closed_by = error.event.id
    counters = guard.counters.counts()
    return {
        "closed_by": closed_by,
        "published": [event.id for event in _published],
        "shared": {key[1]: count for key, count in counters.items() if key[0] == "shared"},
        "faults": guard.counters.get("faults"),
        "dropped": guard.counters.get("dropped", "event"),
    }


def answer(value: object) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
