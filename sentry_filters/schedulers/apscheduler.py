"""APScheduler 3: the jobs of one executor stay in their store, put off, while the gate is closed."""

from __future__ import annotations

import functools
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.base import BaseExecutor
from apscheduler.executors.pool import ProcessPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.triggers.base import BaseTrigger

from sentry_filters.core import SchedulerGate, SessionExpired, SessionExpiredError, SessionOf
from sentry_filters.schedulers.backoff import Backoff

_Key: TypeAlias = tuple[str, str]
"""A job: its id, and the alias of its store."""
_MOST_FOUND = 10_000


class PostponingExecutor(BaseExecutor):  # type: ignore[misc]  # APScheduler ships no types
    """Runs LLM jobs on another executor, and puts them off while the gate is closed.

    Jobs choose it by its alias: `scheduler.add_job(…, executor="llm")`. A job that is due stays in its job
    store under its own id and runs once after the renewal, however late (`misfire_grace_time` does not apply
    to it); the ticks that it would have had meanwhile are one run, and its schedule goes on as before. It
    takes no thread and no instance (`max_instances`) while it waits. Where it raises `SessionExpiredError` in
    mid-flight, or the failure of a call of its own in which the guard recognises the expired session, at most
    `backoff.discoveries` times in a row, it is put off as well and starts again from its beginning; that
    run's event has a `SessionExpiredError` as `retval`. Any other exception is the application's own. A
    renewal wakes what waits.

    Args:
        executor: Runs the jobs: threads or asyncio; not processes, whose gate would be another one.
        gate: The gate of the process's guard.
        session: Computes the fingerprint of the session from the job's arguments.
        backoff: When a postponed job asks again, should nobody wake it.

    Raises:
        TypeError: `executor` cannot be used.
    """

    def __init__(
        self,
        executor: BaseExecutor,
        gate: SchedulerGate,
        *,
        session: SessionOf | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        if not isinstance(executor, BaseExecutor) or isinstance(executor, ProcessPoolExecutor):
            raise TypeError(f"invalid executor {executor!r}; expected one of threads or asyncio")
        super().__init__()
        self._executor = executor
        self._gate = gate
        self._session = session
        self._backoff = Backoff() if backoff is None else backoff
        self._sleepers: dict[_Key, str | None] = {}
        self._ending: dict[_Key, str | None] = {}
        self._sleepers_lock = threading.Lock()
        self._found = _Found()
        self._stop_listening: Callable[[], None] = lambda: None

    def start(self, scheduler: Any, alias: str) -> None:
        """Start with the scheduler."""
        super().start(scheduler, alias)
        self._executor.start(scheduler, alias)
        scheduler.add_listener(self._ended, EVENT_JOB_EXECUTED)
        self._stop_listening = self._gate.on_open(self._wake_soon)

    def shutdown(self, wait: bool = True) -> None:  # noqa: FBT001, FBT002 - APScheduler's signature
        """End with the scheduler; postponed jobs are in their stores."""
        self._stop_listening()
        self._executor.shutdown(wait)
        self._scheduler.remove_listener(self._ended)

    def submit_job(self, job: Job, run_times: list[datetime]) -> None:
        """Run the job, or put it off; the scheduler then asks the job's trigger when to go on."""
        detour = job.trigger if isinstance(job.trigger, _Detour) else None
        if detour is None:
            self._submit_regular(job, run_times)
        elif detour.waiting:
            if self._submit(job, run_times, detour.fired_at, late=True):
                job.trigger = detour.after_run(datetime.now(UTC))
        elif run_times[-1] >= detour.at:  # else it was woken in the moment in which it ran
            job.trigger = detour.original
            self._submit_regular(job, run_times)

    def _submit_regular(self, job: Job, run_times: list[datetime]) -> None:
        if _is_missed(job, run_times):
            self._executor.submit_job(job, run_times)
        else:
            self._submit(job, run_times, run_times[-1], late=False)

    def _submit(self, job: Job, run_times: list[datetime], fired_at: datetime, *, late: bool) -> bool:
        """Run the job, or put it off where the gate is closed; return whether it runs."""
        session = None
        try:
            session = self._session_of(job)
            self._gate.check(session=session)
        except SessionExpiredError as error:
            job.trigger = self._waiting(job, fired_at, error.event)
            self._sleep((job.id, job._jobstore_alias), session)
            return False
        except Exception:  # noqa: BLE001, S110 - of `session`: raised again, as the job's own error, where it runs
            pass
        self._executor.submit_job(self._guarded(job, fired_at, session, late=late), run_times)
        return True

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        self._executor.submit_job(job, run_times)

    def _guarded(self, job: Job, fired_at: datetime, session: str | None, *, late: bool) -> Job:
        """Return the job as the inner executor runs it: put off where it raises `SessionExpiredError`."""
        settings = _settings(job)
        if late:
            settings["misfire_grace_time"] = None
        guarded = Job(
            self._scheduler,
            func=self._catching(job, fired_at, session),
            trigger=_original(job),
            next_run_time=job.next_run_time,
            **settings,
        )
        guarded._jobstore_alias = job._jobstore_alias  # executors report it in their events
        return guarded

    def _catching(self, job: Job, fired_at: datetime, session: str | None) -> Callable[..., Any]:
        function = job.func

        def refusal_of(error: Exception) -> SessionExpiredError | None:
            refusal = error if isinstance(error, SessionExpiredError) else self._found_by(job, error)
            if refusal is not None:
                self._put_off_after_start(job, fired_at, session or refusal.event.session, refusal.event)
            return refusal

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            try:
                self._gate.check(session=self._session_of(job))
                result = await function(*args, **kwargs)
            except Exception as error:  # any but a refusal is raised again
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                return refusal
            self._found.forget(job)
            return result

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            try:
                self._gate.check(session=self._session_of(job))
                result = function(*args, **kwargs)
            except Exception as error:  # any but a refusal is raised again
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                return refusal
            self._found.forget(job)
            return result

        return run_async if inspect.iscoroutinefunction(function) else run

    def _found_by(self, job: Job, error: Exception) -> SessionExpiredError | None:
        """Return a refusal where the job's own call found the expiry, None where the error is its own."""
        event = self._gate.found_by(error) if self._backoff.discoveries else None
        if event is None or self._found.once_more(job) > self._backoff.discoveries:
            self._found.forget(job)
            return None
        return SessionExpiredError(event)

    def _put_off_after_start(
        self, job: Job, fired_at: datetime, session: str | None, event: SessionExpired
    ) -> None:
        detour = self._waiting(job, fired_at, event)
        store = job._jobstore_alias  # it has no public name
        self._ending[job.id, store] = session  # woken now, it would be skipped: it is still running
        try:
            self._scheduler.modify_job(job.id, store, trigger=detour, next_run_time=detour.at)
        except JobLookupError:
            if detour.next_regular(datetime.now(UTC)) is not None:
                self._ending.pop((job.id, store), None)
                return  # the application has removed it
            self._scheduler.add_job(job.func, detour, jobstore=store, **_settings(job))

    def _ended(self, event: JobExecutionEvent) -> None:
        key = event.job_id, event.jobstore
        if key in self._ending:
            self._sleep(key, self._ending.pop(key, None))

    def _waiting(self, job: Job, fired_at: datetime, event: SessionExpired) -> _Detour:
        at = datetime.now(UTC) + timedelta(seconds=self._backoff.seconds(event))
        return _Detour(original=_original(job), fired_at=fired_at, at=at, waiting=True)

    def _session_of(self, job: Job) -> str | None:
        return None if self._session is None else self._session(*job.args, **job.kwargs)

    def _sleep(self, key: _Key, session: str | None) -> None:
        with self._sleepers_lock:
            self._sleepers[key] = session
        if self._gate.is_open_for(session):
            self._wake_soon()

    def _wake_soon(self) -> None:
        # Job stores may be databases: neither a sign-in nor the scheduler waits for them.
        threading.Thread(target=self._wake, name="sentry-filters-wake", daemon=True).start()

    def _wake(self) -> None:
        with self._sleepers_lock:
            awake = [key for key, session in self._sleepers.items() if self._gate.is_open_for(session)]
            for key in awake:
                del self._sleepers[key]
        for job_id, store in awake:
            try:
                job = self._scheduler.get_job(job_id, store)
                if job is not None and isinstance(job.trigger, _Detour) and job.trigger.waiting:
                    self._scheduler.modify_job(job_id, store, next_run_time=datetime.now(UTC))
            except Exception as error:  # noqa: BLE001 - the job is safe in its store and starts a little later
                self._logger.warning("sentry-filters: a job could not be resumed: %s", type(error).__name__)


class _Found:
    """Counts how often in a row a job itself found the session expired. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: OrderedDict[_Key, int] = OrderedDict()

    def once_more(self, job: Job) -> int:
        key = job.id, job._jobstore_alias
        with self._lock:
            self._times[key] = times = self._times.get(key, 0) + 1
            while len(self._times) > _MOST_FOUND:
                self._times.popitem(last=False)
        return times

    def forget(self, job: Job) -> None:
        with self._lock:
            self._times.pop((job.id, job._jobstore_alias), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Detour(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """Fires once at `at`, then as the original trigger does.

    It is pickled into job stores: its name, its module and its fields are a format.
    """

    original: BaseTrigger
    fired_at: datetime
    at: datetime
    waiting: bool

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        if previous_fire_time is None or previous_fire_time < self.at:
            return self.at
        return self.next_regular(now)

    def after_run(self, now: datetime) -> BaseTrigger:
        """Return the trigger of a job that has run: the original, from its next regular time on."""
        at = self.next_regular(now)
        if at is None:
            return self.original
        return _Detour(original=self.original, fired_at=at, at=at, waiting=False)

    def next_regular(self, now: datetime) -> datetime | None:
        """Return the time after `now` at which the original trigger fires next."""
        at: datetime | None = self.original.get_next_fire_time(self.fired_at, now)
        while at is not None and at <= now:
            at = self.original.get_next_fire_time(at, now)
        return at

    def __str__(self) -> str:
        return f"{self.original}, put off" if self.waiting else str(self.original)


def _settings(job: Job) -> dict[str, Any]:
    names = ("id", "args", "kwargs", "name", "executor", "misfire_grace_time", "coalesce", "max_instances")
    return {name: getattr(job, name) for name in names}


def _original(job: Job) -> BaseTrigger:
    return job.trigger.original if isinstance(job.trigger, _Detour) else job.trigger


def _is_missed(job: Job, run_times: Sequence[datetime]) -> bool:
    """Return whether the job is too late for reasons that are not ours, which APScheduler then reports."""
    grace = job.misfire_grace_time
    return grace is not None and run_times[-1] < datetime.now(UTC) - timedelta(seconds=grace)
