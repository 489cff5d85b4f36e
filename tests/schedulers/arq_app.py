"""An arq worker with LLM jobs, as a team writes one; run as a process of its own."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import arq
from arq.connections import RedisSettings

from sentry_filters import SessionExpiredError
from sentry_filters.schedulers.arq import Postponed
from sentry_filters.schedulers.backoff import Backoff
from tests.schedulers.remote import Worker

worker = Worker()
BACKOFF = Backoff(first=60, longest=60)
llm_job = Postponed(
    worker.guard.gate, session=lambda job, user=None: worker.fingerprint(user), backoff=BACKOFF
)


@llm_job
async def llm(ctx: dict[Any, Any], job: str, user: str | None = None) -> str:
    worker.note(job if ctx["job_try"] == 1 else f"{job}, try {ctx['job_try']}")
    return job


@llm_job
async def llm_expiring(ctx: dict[Any, Any], job: str, user: str) -> str:
    """Its session ends between its two calls."""
    worker.note(f"{job} began")
    if worker.notes(f"{job} began") == 1:
        worker.end_session(user)
        try:
            worker.guard.gate.check(session=worker.fingerprint(user))
        except SessionExpiredError:
            worker.note(f"{job} expired")
            raise
    worker.note(job)
    return job


@llm_job
async def llm_broken(ctx: dict[Any, Any], job: str) -> None:
    worker.note(job)
    raise ValueError("a bug of the application's own")


async def plain(ctx: dict[Any, Any], job: str) -> str:
    worker.note(job)
    return job


async def startup(ctx: dict[Any, Any]) -> None:
    worker.follow()
    logging.info("worker is ready")


class WorkerSettings:
    functions: ClassVar[list[Any]] = [arq.func(llm, max_tries=1), llm_expiring, llm_broken, plain]
    on_startup = startup
    redis_settings = RedisSettings.from_dsn(worker.redis_url)
    max_tries = 1
    poll_delay = 0.1


if __name__ == "__main__":
    logging.basicConfig(level="INFO")
    worker.init_sentry()
    arq.run_worker(WorkerSettings)  # type: ignore[arg-type]  # its Protocol asks for fields that have defaults
