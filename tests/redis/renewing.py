"""A worker process with one auth for all its calls: makes as many at once as its standard input says."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter

import aiohttp
import sentry_sdk

from sentry_filters import Policy, RedisSessions, SessionExpired, SessionGuard
from tests.support.tokens import load_at, refresh_at

_published: list[SessionExpired] = []


async def main(url: str, backend: str, dsn: str, timeout: str) -> None:
    """Serve until the input ends: `calls SECONDS`, answered by a line of JSON."""
    policy = Policy(provider="OpenHuman", hosts={backend})
    guard = SessionGuard(policy, _published.append, shared=RedisSessions(url, namespace="chat"))
    sentry_sdk.init(**guard.sentry_options(dsn=dsn, default_integrations=False))
    tokens = f"http://{backend}/token"
    auth = guard.auth(lambda: refresh_at(tokens), lambda: load_at(tokens), timeout=float(timeout))
    chat = f"http://{backend}/v1/chat/completions"
    connector = aiohttp.TCPConnector(limit=64)
    headers = {"x-process": str(os.getpid())}
    async with aiohttp.ClientSession(
        connector=connector, middlewares=(auth.aiohttp,), headers=headers
    ) as session:
        await auth.token_async()

        async def call() -> int:
            async with session.post(chat, data=b"{}") as response:
                if response.status == 401:
                    try:
                        response.raise_for_status()
                    except aiohttp.ClientResponseError as error:
                        sentry_sdk.capture_exception(error)
                return response.status

        answer({})
        for line in iter(sys.stdin.readline, ""):
            statuses = Counter(await asyncio.gather(*(call() for _ in range(int(line)))))
            guard.bus.flush()
            answer(
                {
                    "statuses": {str(status): count for status, count in statuses.items()},
                    "published": len(_published),
                    "open": guard.gate.is_open,
                    "faults": guard.counters.get("faults"),
                    "kept": guard.counters.get("exported", "event"),
                    "violations": guard.counters.get("violations"),
                    "refreshes": guard.counters.get("refreshes"),
                }
            )
    sentry_sdk.flush()
    guard.close()


def answer(value: object) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
