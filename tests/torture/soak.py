"""The soak: processes that come and go, and faults around them."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from tests.support.backend import LLMBackend
from tests.support.secrets import fake
from tests.torture.memory import MEASURED, OWN_PAGES
from tests.torture.servers import Receiver
from tests.torture.shared_state import SharedState, redis_is_here
from tests.torture.shortage_ends import is_of_the_interpreter
from tests.torture.task import Task
from tests.torture.trouble import Trouble

_AT_ONCE = 2
KINDS = (
    "tasks", "forks", "ends", "terminated", "killed", "threads", "starved", "disk",
    *(("gevent",) if find_spec("gevent") else ()),
)  # fmt: skip
"""Of the processes that come and go."""
_SHOWN = 4_000
_END_SECONDS = 90.0  # on a machine that has other things to do, too
_LINGERING_SECONDS = 20.0
_SHARING = 0.6
_HEEDS_PERMISSIONS = ("setpriv", "--bounding-set=-dac_override")  # root has to be told to


class Soak:
    """Runs processes until the time is over, and injects faults around them.

    Args:
        seed: For everything.
        seconds: How long processes are started.
        folder: For the ledgers, the reports, and the processes' output.
        kinds: The kinds of processes that come and go.
    """

    def __init__(self, seed: int, seconds: float, folder: Path, kinds: Sequence[str] = KINDS) -> None:
        self.canary = fake("sk-proj-", 40, seed=str(seed))
        self.folder = folder
        self.ledger = folder / "ledger.db"
        self.reports, self.printed, self._disks = (folder / name for name in ("reports", "printed", "disks"))
        for made in (self.reports, self.printed, self._disks):
            made.mkdir()
        self.failed: list[str] = []
        self.started: Counter[str] = Counter()
        self.killed: set[int] = set()
        self.faults: Counter[str] = Counter()
        self._seconds = seconds
        self._chance = random.Random(seed)
        secret = self.canary.encode()
        self.sentry, self.otlp = Receiver(secret, seed), Receiver(secret, seed + 1)
        # The control has no guard: what it sends may hold anything.
        self._void = Receiver(b"\0no canary\0", seed + 2)
        self.shared = SharedState(folder, secret) if redis_is_here() else None
        self._kinds = kinds

    def run(self) -> None:
        """Run it."""
        with ExitStack() as stack:
            for receiver in (self.sentry, self.otlp, self._void):
                stack.enter_context(receiver)
            self._backend, self._other = (stack.enter_context(LLMBackend()) for _ in range(2))
            if self.shared is not None:
                stack.enter_context(self.shared)
            until = time.monotonic() + self._seconds
            receivers = [self.sentry, self.otlp, self._void]
            trouble = Trouble(random.Random(self._chance.random()), receivers, self.ledger, self.shared)
            trouble.start()
            lanes = [
                threading.Thread(target=self._one, args=(kind, self._seconds, self._chance.random()))
                for kind in MEASURED
            ]
            lanes += [
                threading.Thread(target=self._lane, args=(until, random.Random(self._chance.random())))
                for _ in range(_AT_ONCE)
            ]
            for lane in lanes:
                lane.start()
            for lane in lanes:
                lane.join()
            trouble.stop()
            self.faults += trouble.faults
            if self.shared is not None:
                self.shared.look()

    def _lane(self, until: float, chance: random.Random) -> None:
        while time.monotonic() < until:
            self._one(chance.choice(self._kinds), chance.uniform(2.0, 6.0), chance.random())

    def _one(self, kind: str, seconds: float, seed: float) -> None:
        self.started[kind] += 1
        task = self._task(kind, seconds, random.Random(seed))
        module = "tests.torture.patched" if kind == "gevent" else "tests.torture.worker"
        command = [sys.executable, "-m", module, json.dumps(asdict(task))]
        if kind == "disk" and not os.geteuid() and shutil.which(_HEEDS_PERMISSIONS[0]):
            command = [*_HEEDS_PERMISSIONS, *command]
        printed = self.printed / f"{sum(self.started.values())}-{kind}-{task.seed}"
        environment = {**os.environ, **OWN_PAGES} if kind in MEASURED else None
        with printed.open("wb") as output:
            process = subprocess.Popen(
                command, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        if kind in ("terminated", "killed"):
            time.sleep(1.5 + seconds / 2)
            process.send_signal(signal.SIGTERM if kind == "terminated" else signal.SIGKILL)
        try:
            if kind == "starved":
                self._give_memory_back(process, seconds)
            process.wait(timeout=seconds + _END_SECONDS)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGUSR2)
            os.killpg(process.pid, signal.SIGUSR1)  # all its threads, and its children's, say where they are
            time.sleep(1.0)
            self.failed.append(f"{kind} (seed {task.seed}) did not end: {_tail(printed)}")
            return
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a process and the children that it may have left
            process.wait()
        # A SIGTERM may come before the process has a handler for it.
        cut_short = (process.returncode, kind) in ((-9, "killed"), (-15, "terminated"))
        cut_short |= kind == "starved" and is_of_the_interpreter(process.returncode, _text(printed))
        if cut_short:
            self.killed.add(process.pid)
        elif process.returncode != 0:
            self.failed.append(f"{kind} (seed {task.seed}) ended with {process.returncode}: {_tail(printed)}")

    def _give_memory_back(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        """Lift a limit that the process itself has not lifted when its time is over.

        If CPython 3.11 finds no memory while it unwinds the stack, it tries again until it does, without
        letting another thread run: not even the one that would lift the limit.
        """
        try:
            process.wait(timeout=seconds + _LINGERING_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                _, most = resource.prlimit(process.pid, resource.RLIMIT_AS)
                resource.prlimit(process.pid, resource.RLIMIT_AS, (most, most))
            self.faults["memory given back from outside"] += 1

    def _task(self, kind: str, seconds: float, chance: random.Random) -> Task:
        ledger = self.ledger
        if kind == "disk":
            own = self._disks / f"{self.started[kind]}"
            own.mkdir()
            ledger = own / "ledger.db"
        guarded = kind != "control"
        url = None if self.shared is None else self.shared.url
        # The one that lasts always shares, a ledger that breaks is about a process of its own.
        shares = kind == "lasting" or (guarded and kind != "disk" and chance.random() < _SHARING)
        return Task(
            kind=kind,
            seed=chance.randrange(1_000_000),
            seconds=seconds,
            folder=str(self.reports),
            ledger=str(ledger),
            sentry=(self.sentry if guarded else self._void).dsn,
            otlp=f"http://{(self.otlp if guarded else self._void).address}",
            backend=self._backend.address,
            other=self._other.address,
            canary=self.canary,
            redis=url if shares else None,
            guarded=guarded,
        )


def _text(printed: Path) -> str:
    return printed.read_text("utf-8", "replace")


def _tail(printed: Path) -> str:
    text = _text(printed)
    return text if len(text) <= 2 * _SHOWN else f"{text[:_SHOWN]}\n[…]\n{text[-_SHOWN:]}"
