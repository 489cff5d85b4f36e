"""`python -m tests.torture.worker JSON`: one process of the soak."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sentry_sdk
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sentry_sdk.transport import HttpTransport

from otel import GuardedSpanProcessor
from sentry_filters import Ledger, Policy, SessionGuard
from tests.torture.chaos import Chaos, bad_handler, jumping_clock
from tests.torture.reports import Report, resident_bytes
from tests.torture.traffic import Traffic

_SAMPLES = 8
_LEAVING_SECONDS = 2.0  # for a handler that is in the middle of its work


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one process is to do.

    Args:
        kind: One of `KINDS`.
        seed: Of all its chances.
        seconds: How long.
        folder: Where reports go.
        ledger: The file of all processes.
        sentry: DSN.
        otlp: Base URL of the OTLP receiver.
        backend: `host:port` of the hosted backend.
        other: `host:port` of a third party.
        canary: A secret.
    """

    kind: str
    seed: int
    seconds: float
    folder: str
    ledger: str
    sentry: str
    otlp: str
    backend: str
    other: str
    canary: str


class Application:
    """An application, set up as its authors would."""

    def __init__(self, task: Task, stack: ExitStack) -> None:
        self.task = task
        self.report = Report(task.kind)
        self.chance = random.Random(task.seed)
        report = self.report

        class Counting(HttpTransport):
            def record_lost_event(
                self, reason: str, data_category: Any = None, item: Any = None, **more: Any
            ) -> None:
                category = data_category or (None if item is None else item.data_category)
                if category == "error":
                    report.lost[reason] += more.get("quantity", 1)
                super().record_lost_event(reason, data_category, item, **more)

        policy = Policy(provider="OpenHuman", hosts={task.backend}, secret_keys=["note"])
        ledger = Ledger(task.ledger, release=f"torture@{task.kind}")
        self.guard = SessionGuard(policy, bad_handler(self.chance), audit=ledger)
        options = self.guard.sentry_options(
            dsn=task.sentry, transport=Counting, traces_sample_rate=0.3, enable_logs=True,
            before_send=self._own_hook, max_breadcrumbs=5,
        )  # fmt: skip
        sentry_sdk.init(**options)
        self.provider = TracerProvider(
            active_span_processor=GuardedSpanProcessor(self.guard), shutdown_on_exit=False
        )
        exporter = OTLPSpanExporter(f"{task.otlp}/v1/traces", timeout=1)
        self.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=200))
        self.traffic = Traffic(
            guard=self.guard,
            client=self.guard.instrument(stack.enter_context(httpx.Client(timeout=5.0))),
            tracer=self.provider.get_tracer("torture"),
            backend=f"http://{task.backend}/v1",
            other=f"http://{task.other}/v1",
            canary=task.canary,
            report=report,
        )

    def close(self) -> None:
        """End as applications should, and look at what is left."""
        sentry_sdk.flush(10.0)
        sentry_sdk.get_client().close(timeout=5.0)
        self.provider.shutdown()
        self.guard.close(timeout=10.0)
        left = time.monotonic() + _LEAVING_SECONDS
        while _own_threads() and time.monotonic() < left:
            time.sleep(0.05)
        self.report.threads = _own_threads()
        self.report.write(Path(self.task.folder))

    @staticmethod
    def _own_hook(event: Any, hint: Any) -> Any:
        event.setdefault("tags", {})
        return event


def _own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "sentry-filters" in thread.name]


def act_until(application: Application, until: float, seed: int) -> None:
    """Act in this thread until the monotonic time `until`."""
    chance = random.Random(seed)
    while time.monotonic() < until:
        application.traffic.act(chance)


def threads(application: Application, until: float) -> None:
    """Several threads; memory is looked at now and then."""
    workers = [
        threading.Thread(target=act_until, args=(application, until, application.task.seed + number))
        for number in range(4)
    ]
    for worker in workers:
        worker.start()
    pause = max(0.5, (until - time.monotonic()) / _SAMPLES)
    while time.monotonic() < until:
        time.sleep(min(pause, max(0.0, until - time.monotonic())))
        application.report.memory.append(resident_bytes())
    for worker in workers:
        worker.join()


def tasks(application: Application, until: float) -> None:
    """Asyncio tasks, whose blocking acts run in its threads."""

    async def act(seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < until:
            application.traffic.act(chance)
            await application.guard.gate.wait_async(0.001)

    async def main() -> None:
        await asyncio.gather(*(act(application.task.seed + number) for number in range(4)))

    asyncio.run(main())


def forks(application: Application, until: float) -> None:
    """A thread that acts while the main thread forks; each child acts, too, and ends properly."""
    stop = time.monotonic() + 0.8 * (until - time.monotonic())
    worker = threading.Thread(target=act_until, args=(application, stop, application.task.seed))
    worker.start()
    children = []
    while time.monotonic() < stop:
        pid = os.fork()
        if not pid:
            _be_a_child(application)
        children.append(pid)
        time.sleep(0.5)
    worker.join()
    for pid in children:
        os.waitpid(pid, 0)


def _be_a_child(application: Application) -> None:
    report = application.report
    report.pid, report.kind = os.getpid(), "forked"
    for record in (report.sent, report.raised, report.memory, report.lost, report.acts, report.faults):
        record.clear()
    try:
        act_until(application, time.monotonic() + 0.7, os.getpid())
        application.close()
    finally:
        os._exit(0)


def ends(application: Application, until: float) -> None:
    """Acts to the last moment, and ends without a word."""
    act_until(application, until, application.task.seed)


KINDS: dict[str, Callable[[Application, float], None]] = {
    "threads": threads, "tasks": tasks, "forks": forks, "ends": ends,
    "terminated": threads, "killed": threads, "gevent": threads,
}  # fmt: skip


def main(task: Task) -> None:
    """Do what `task` says."""
    logging.getLogger("application").propagate = True
    logging.getLogger().addHandler(logging.NullHandler())
    with ExitStack() as stack:
        if task.kind in ("ends", "terminated"):
            atexit.register(lambda: application.report.write(Path(task.folder)))  # after all others
        application = Application(task, stack)
        if task.kind == "terminated":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        clock = jumping_clock(application.chance, application.report) if task.seed % 4 == 0 else nullcontext()
        chaos = Chaos(application.guard, application.report, random.Random(task.seed))
        with chaos.going_on():
            until = time.monotonic() + task.seconds
            if task.seed % 4 == 0:
                with clock:
                    act_until(application, time.monotonic() + 1.0, task.seed)
            KINDS[task.kind](application, until)
        if task.kind not in ("ends", "terminated"):
            application.close()


if __name__ == "__main__":
    given = Task(**json.loads(sys.argv[1]))
    if given.kind == "gevent":
        raise SystemExit("gevent patches first: start tests.torture.patched")
    main(given)
