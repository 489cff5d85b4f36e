"""Runs the replay: real processes, servers, a shared ledger and a Prometheus that watches them."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentry_filters.audit.queries import dashboards_folder
from tests.audit.replay.parts import PARTS
from tests.otel.instrumented import require_group
from tests.support.backend import LLMBackend
from tests.support.otlp import OTLPReceiver, Posted
from tests.support.prometheus import Prometheus, prometheus
from tests.support.receiver import SentryReceiver
from tests.support.redis import running_redis
from tests.support.services import require

_CHECKOUT = Path(__file__).resolve().parents[3]
_DEADLINE = 60.0


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What the replay has left behind. The processes have ended; the Prometheus still answers.

    Args:
        ledger: The ledger that all processes wrote to.
        processes: The process's name in the ledger, by the part's name.
        posted: What the OTLP receiver got.
        events: The error events that Sentry got.
        prometheus: It scraped every process each second, from before it acted until after it had.
        began: A moment after the first scrapes and before anything happened, in seconds since the epoch.
        at: A moment when everything was counted and scraped, and all processes still ran: ask for this one.
    """

    ledger: Path
    processes: Mapping[str, str]
    posted: Sequence[Posted]
    events: Sequence[Mapping[str, Any]]
    prometheus: Prometheus
    began: float
    at: float


class _Worker:
    """One process, ended with its `with` block."""

    def __init__(self, name: str, addresses: Mapping[str, str], folder: Path) -> None:
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                # pytest's own warnings filter does not reach it: the libraries' deprecations are theirs.
                [
                    sys.executable,
                    "-W",
                    "ignore",
                    "-m",
                    "tests.audit.replay.worker",
                    name,
                    json.dumps(addresses),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=_CHECKOUT,
            )
        self._timer = threading.Timer(_DEADLINE, self._process.kill)
        self._timer.start()
        self.name = name

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"{self.name} ended; its log ends with:\n{self._log.read_text()[-4000:]}"
        return line.strip()

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.kill()
        self._process.communicate()


@contextmanager
def replayed(folder: Path) -> Iterator[Replay]:
    """Run the replay, and keep its Prometheus for the time of the block; skips where something is missing."""
    require_group()
    require(
        importlib.util.find_spec("opentelemetry.exporter.prometheus"),
        "run `uv pip install --group audit-test`: opentelemetry-exporter-prometheus is not installed",
    )
    ledger = folder / "ledger.db"
    with ExitStack() as until_the_end:
        with ExitStack() as stack:
            otlp, sentry = stack.enter_context(OTLPReceiver()), stack.enter_context(SentryReceiver())
            addresses = {
                "ledger": str(ledger),
                "backend": stack.enter_context(LLMBackend()).address,
                "third_party": stack.enter_context(LLMBackend()).address,
                "sentry": sentry.dsn,
                "otlp": otlp.url,
                "redis": stack.enter_context(running_redis(folder)),
            }
            workers = [stack.enter_context(_Worker(part.name, addresses, folder)) for part in PARTS]
            started = {worker.name: json.loads(worker.answer()) for worker in workers}
            targets = [f"127.0.0.1:{one['port']}" for one in started.values()]
            server = until_the_end.enter_context(prometheus(folder, targets, _rule_files()))
            server.wait_until("count(up == 1)", lambda up: up == len(PARTS))
            began = time.time()
            _all(workers, "act")
            acted = time.time()
            server.wait_until("min(timestamp(up))", lambda scraped: scraped > acted)
            at = time.time()
            _all(workers, "end")
        yield Replay(
            ledger=ledger,
            processes={name: one["process"] for name, one in started.items()},
            posted=otlp.posted,
            events=sentry.events,
            prometheus=server,
            began=began,
            at=at,
        )


def _rule_files() -> list[Path]:
    """Return the project's files of rules; their tests lie beside them."""
    files = sorted((dashboards_folder() / "prometheus").glob("*.y*ml"))
    return [path for path in files if re.search(r"^groups:", path.read_text(), re.MULTILINE)]


def _all(workers: Sequence[_Worker], line: str) -> None:
    for worker in workers:
        worker.tell(line)
    for worker in workers:
        assert worker.answer() == line
