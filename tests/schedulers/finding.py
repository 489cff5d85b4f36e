"""Jobs whose own call finds the session expired, in workers that hear of renewals through Redis.

An arq worker and a Celery application, as a team writes them; run as processes of their own. The back-off is
a minute, longer than any test waits: what runs after a renewal was woken by it.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, ClassVar

import httpx
import redis
import sentry_sdk

from sentry_filters import Policy, RedisSessions, SessionExpired, SessionGuard
from sentry_filters.schedulers.backoff import Backoff

URL = os.environ["TEST_REDIS"]
BACKOFF = Backoff(first=60, longest=60)
KEY = "test:key:0123456789abcdef"
known: Any = redis.Redis.from_url(URL)


def renew_if_asked(event: SessionExpired) -> None:
    """Sign in at once, where the test has a user who always does."""
    if known.exists("test:renewing"):
        guard.session_renewed()


guard = SessionGuard(
    Policy(provider="OpenHuman", hosts={"backend"}),
    renew_if_asked,
    shared=RedisSessions(URL, namespace="test", key=KEY),
)


def answer(request: httpx.Request) -> httpx.Response:
    """Answer as the backend does: only the test's living session gets in."""
    return httpx.Response(
        200 if known.get("test:alive") == request.headers["authorization"].encode() else 401
    )


client = guard.instrument(httpx.Client(transport=httpx.MockTransport(answer)))


def ask(job: str) -> str:
    """Do LLM work with the session that the application has."""
    known.rpush("test:ran", job)
    token = known.get("test:alive") or b"Bearer old"
    if job == "hopeless":
        token = b"Bearer another"
    client.post(
        "http://backend/v1/chat/completions", headers={"authorization": token.decode()}
    ).raise_for_status()
    return job


def report_and_ask(job: str) -> str:
    """Do the same with code that reports the failure itself, and raises an error of its own."""
    try:
        return ask(job)
    except httpx.HTTPStatusError as error:
        guard.report(error, operation="chat", provider="OpenHuman", status=error.response.status_code)
        raise LookupError(job) from error


def init_sentry(**_: object) -> None:
    """As an application does."""
    sentry_sdk.init(**guard.sentry_options(dsn=os.environ["TEST_DSN"], traces_sample_rate=1.0))


if "celery" in sys.argv[0]:
    import celery
    from celery.signals import celeryd_init

    from sentry_filters.schedulers.celery import PostponedTask

    app = celery.Celery("jobs", broker=URL, backend=URL)
    app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
    celeryd_init.connect(init_sentry, weak=False)

    class LLMTask(PostponedTask):
        gate = guard.gate
        backoff = BACKOFF

    app.task(base=LLMTask, name="ask", max_retries=0)(ask)
    app.task(base=LLMTask, name="report_and_ask", max_retries=0)(report_and_ask)
else:
    import arq
    from arq.connections import RedisSettings

    from sentry_filters.schedulers.arq import Postponed

    @Postponed(guard.gate, backoff=BACKOFF)
    async def ask_in_arq(ctx: dict[Any, Any], job: str) -> str:
        return ask(job)

    @Postponed(guard.gate, backoff=BACKOFF)
    async def report_and_ask_in_arq(ctx: dict[Any, Any], job: str) -> str:
        return report_and_ask(job)

    async def startup(ctx: dict[Any, Any]) -> None:
        logging.info("worker is ready")

    class WorkerSettings:
        functions: ClassVar[list[Any]] = [
            arq.func(ask_in_arq, name="ask", max_tries=1),
            arq.func(report_and_ask_in_arq, name="report_and_ask", max_tries=1),
        ]
        on_startup = startup
        redis_settings = RedisSettings.from_dsn(URL)
        poll_delay = 0.1

    if __name__ == "__main__":
        logging.basicConfig(level="INFO")
        init_sentry()
        arq.run_worker(WorkerSettings)  # type: ignore[arg-type]  # its Protocol asks for fields that have defaults
