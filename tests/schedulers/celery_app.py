"""A Celery application with LLM jobs, as a team writes one; run by real workers."""

from __future__ import annotations

from typing import Any

import celery
from celery.signals import celeryd_init, worker_init, worker_process_init

from sentry_filters import SessionExpiredError
from sentry_filters.schedulers.backoff import Backoff
from sentry_filters.schedulers.celery import PostponedTask
from tests.schedulers.remote import Worker

worker = Worker()
app = celery.Celery("jobs", broker=worker.redis_url, backend=worker.redis_url)
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)

celeryd_init.connect(lambda **_: worker.init_sentry(), weak=False)
worker_process_init.connect(worker.follow, weak=False)


@worker_init.connect(weak=False)  # type: ignore[untyped-decorator]  # Celery ships no types
def follow_in_threads(sender: Any, **_: object) -> None:
    if "thread" in str(sender.pool_cls):
        worker.follow()


class LLMTask(PostponedTask):
    gate = worker.guard.gate
    backoff = Backoff(first=0.2, longest=1.0)

    def session_of(self, *_: object, user: str | None = None, **__: object) -> str | None:
        return worker.fingerprint(user)


@app.task(base=LLMTask, name="llm", max_retries=0)  # type: ignore[untyped-decorator]
def llm(job: str, user: str | None = None) -> str:
    worker.note(job)
    return job


@app.task(base=LLMTask, name="llm_expiring", autoretry_for=(Exception,), max_retries=0)  # type: ignore[untyped-decorator]
def llm_expiring(job: str, user: str) -> str:
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


@app.task(base=LLMTask, name="llm_broken")  # type: ignore[untyped-decorator]
def llm_broken(job: str) -> None:
    worker.note(job)
    raise ValueError("a bug of the application's own")


@app.task(name="plain")  # type: ignore[untyped-decorator]
def plain(job: str) -> str:
    worker.note(job)
    return job
