"""`python -m tests.torture [--seconds N] [--seed N]`: mixed traffic and faults; what must hold is checked."""

from __future__ import annotations

import argparse
import json
import random
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.support.backend import LLMBackend
from tests.support.secrets import fake
from tests.torture.reports import Report
from tests.torture.servers import Receiver
from tests.torture.worker import Task

_AT_ONCE = 2
_SHORT_LIVED = ("tasks", "forks", "ends", "terminated", "killed", "threads")
_END_SECONDS = 60.0


class Soak:
    """Runs processes until the time is over, and misbehaves around them.

    Args:
        seed: Of everything.
        seconds: How long processes are started.
        folder: For the ledger and the reports.
    """

    def __init__(self, seed: int, seconds: float, folder: Path) -> None:
        self.canary = fake("sk-proj-", 40, seed=str(seed))
        self.ledger = folder / "ledger.db"
        self.reports = folder / "reports"
        self.reports.mkdir()
        self.failed: list[str] = []
        self.started = 0
        self._seconds = seconds
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self.sentry = Receiver(self.canary.encode(), seed)
        self.otlp = Receiver(self.canary.encode(), seed + 1)
        self._kinds = (*_SHORT_LIVED, *(("gevent",) if find_spec("gevent") else ()))

    def run(self) -> None:
        """Run it."""
        with ExitStack() as stack:
            stack.enter_context(self.sentry)
            stack.enter_context(self.otlp)
            backend, other = stack.enter_context(LLMBackend()), stack.enter_context(LLMBackend())
            until = time.monotonic() + self._seconds
            trouble = threading.Thread(target=self._trouble)
            trouble.start()
            lasting = threading.Thread(target=self._one, args=("threads", self._seconds, backend, other))
            lasting.start()
            lanes = [
                threading.Thread(target=self._lane, args=(until, backend, other)) for _ in range(_AT_ONCE)
            ]
            for lane in lanes:
                lane.start()
            for thread in (*lanes, lasting):
                thread.join()
            self._stop.set()
            trouble.join()

    def _lane(self, until: float, backend: LLMBackend, other: LLMBackend) -> None:
        while time.monotonic() < until:
            self._one(self._chance.choice(self._kinds), self._chance.uniform(2.0, 6.0), backend, other)

    def _one(self, kind: str, seconds: float, backend: LLMBackend, other: LLMBackend) -> None:
        self.started += 1
        task = Task(
            kind=kind,
            seed=self._chance.randrange(1_000_000),
            seconds=seconds,
            folder=str(self.reports),
            ledger=str(self.ledger),
            sentry=self.sentry.dsn,
            otlp=f"http://{self.otlp.address}",
            backend=backend.address,
            other=other.address,
            canary=self.canary,
        )
        module = "tests.torture.patched" if kind == "gevent" else "tests.torture.worker"
        process = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(asdict(task))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if kind in ("terminated", "killed"):
            time.sleep(1.5 + seconds / 2)
            process.send_signal(signal.SIGTERM if kind == "terminated" else signal.SIGKILL)
        try:
            _, errors = process.communicate(timeout=seconds + _END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.failed.append(f"{kind} (seed {task.seed}) did not end")
            return
        fine = (
            process.returncode == 0
            or kind == "killed"
            or (kind == "terminated" and process.returncode == -15)
        )
        if not fine:
            self.failed.append(f"{kind} (seed {task.seed}) ended with {process.returncode}: {errors[-600:]}")

    def _trouble(self) -> None:
        while not self._stop.wait(self._chance.uniform(0.2, 1.0)):
            self.sentry.change_mood()
            self.otlp.change_mood()
            if self.ledger.exists() and self._chance.random() < 0.4:
                with closing(sqlite3.connect(self.ledger, timeout=0.1, isolation_level=None)) as locker:
                    try:
                        locker.execute("BEGIN IMMEDIATE")
                    except sqlite3.OperationalError:
                        continue
                    self._stop.wait(self._chance.uniform(0.05, 0.8))
                    locker.execute("ROLLBACK")


def audited(ledger: Path) -> list[str]:
    """Return the names of the ledger's broken invariants."""
    command = [sys.executable, "-m", "sentry_filters", "audit", str(ledger), "--since", "all", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    answers = json.loads(done.stdout)["queries"]
    return [f"{query['name']}: {query['rows'][:3]}" for query in answers if query["holds"] is False]


def complaints(soak: Soak, reports: list[Report], left: list[str]) -> list[str]:
    """Return what does not hold."""
    found = [*soak.failed, *(f"the ledger: {name}" for name in audited(soak.ledger))]
    if soak.sentry.leaks or soak.otlp.leaks:
        found.append(f"canaries arrived: {soak.sentry.leaks} times at Sentry, {soak.otlp.leaks} at OTLP")
    for report in reports:
        missing = {mark for mark in report.sent if _parsed(mark) not in soak.sentry.marks}
        told = sum(count for reason, count in report.lost.items() if reason != "before_send")
        if len(missing) > told and report.kind != "terminated":
            found.append(f"{report.kind} {report.pid}: {len(missing)} reports missing, {told} told as lost")
        found += [
            f"{report.kind} {report.pid} raised into the application: {one}" for one in report.raised[:3]
        ]
        if report.threads:
            found.append(f"{report.kind} {report.pid} left threads: {report.threads}")
    if left:
        found.append(f"files left behind: {left}")
    return found


def _parsed(mark: str) -> tuple[str, int, int]:
    pid, number, _ = mark[1:].split("-")
    return mark[0], int(pid), int(number)


def table(soak: Soak, reports: list[Report]) -> Table:
    """Return the figures."""
    figures = Table(title="Torture", title_justify="left")
    figures.add_column("")
    figures.add_column("", justify="right")
    sent = sum(len(report.sent) for report in reports)
    arrived = sum(_parsed(mark) in soak.sentry.marks for report in reports for mark in report.sent)
    lost = sum(report.lost[reason] for report in reports for reason in report.lost if reason != "before_send")
    with closing(sqlite3.connect(soak.ledger)) as connection:
        decisions = connection.execute("SELECT count(*) FROM decisions").fetchone()[0]
        totals = dict(
            connection.execute("SELECT counter, sum(count) FROM totals GROUP BY counter").fetchall()
        )
    memory = max((report.memory for report in reports), key=len, default=[]) or [0]
    rows = {
        "processes": soak.started,
        "things done": sum(sum(report.acts.values()) for report in reports),
        "faults injected": sum(sum(report.faults.values()) for report in reports),
        "unrelated and third-party errors": sent,
        "… arrived": arrived,
        "… in the SDK's own loss reports, at most": lost,
        "decisions in the ledger": decisions,
        **{name: totals.get(name, 0) for name in ("seen", "exported", "dropped", "demoted", "withheld")},
        "records that the ledger lost": totals.get("audit_lost", 0),
        "canaries received": soak.sentry.leaks + soak.otlp.leaks,
        "memory of the longest process, at half time, MB": memory[len(memory) // 2] // 1_000_000,
        "… at its end": memory[-1] // 1_000_000,
    }
    for name, value in rows.items():
        figures.add_row(name, f"{value:,}")
    return figures


def main() -> int:
    """Run it, print the figures, and return 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("--seconds", type=float, default=150.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    arguments = parser.parse_args()
    console = Console()
    console.print(f"seed {arguments.seed}, {arguments.seconds:g} s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        soak = Soak(arguments.seed, arguments.seconds, folder)
        soak.run()
        reports = Report.read_all(soak.reports)
        left = [path.name for path in folder.iterdir() if path.name not in ("ledger.db", "reports")]
        console.print(table(soak, reports))
        wrong = complaints(soak, reports, left)
    for complaint in wrong:
        console.print(f"does not hold: {complaint}", style="red", markup=False)
    if not wrong:
        console.print("All that must hold does.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
