"""Faults around the processes: receivers' moods, a locked ledger, a Redis that disappears."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.torture.servers import Receiver
from tests.torture.shared_state import SharedState


class Trouble:
    """Injects faults in its own threads until it is stopped.

    Args:
        chance: Decides what, and when.
        receivers: Those whose mood changes.
        ledger: The file that is locked now and then.
        shared: The Redis of the processes, if any.
    """

    def __init__(
        self, chance: random.Random, receivers: list[Receiver], ledger: Path, shared: SharedState | None
    ) -> None:
        self.faults: Counter[str] = Counter()
        self._chance = chance
        self._receivers = receivers
        self._ledger = ledger
        self._shared = shared
        self._stop = threading.Event()
        acts: list[Callable[[], None]] = [self._moods, self._locks]
        if shared is not None:
            acts.append(self._redis)
        self._threads = [threading.Thread(target=self._again, args=(act,)) for act in acts]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop, with everything intact again."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for receiver in self._receivers:
            receiver.mood = "well"

    def _again(self, act: Callable[[], None]) -> None:
        while not self._stop.wait(self._chance.uniform(0.2, 1.0)):
            act()

    def _moods(self) -> None:
        for receiver in self._receivers:
            receiver.change_mood()
            if receiver.mood != "well":
                self.faults[f"receiver {receiver.mood}"] += 1

    def _locks(self) -> None:
        if not self._ledger.exists() or self._chance.random() > 0.4:
            return
        with closing(sqlite3.connect(self._ledger, timeout=0.1, isolation_level=None)) as locker:
            try:
                locker.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return
            self.faults["ledger locked"] += 1
            self._stop.wait(self._chance.uniform(0.05, 0.8))
            locker.execute("ROLLBACK")

    def _redis(self) -> None:
        assert self._shared is not None
        fault = self._chance.choice(("killed", "black", "emptied", "none", "none"))
        if fault == "none":
            return
        self.faults[f"Redis {fault}"] += 1
        seconds = self._chance.uniform(0.3, 3.0)
        if fault == "emptied":
            self._shared.empty()
        elif fault == "black":
            with self._shared.black():
                self._stop.wait(seconds)
        else:
            with self._shared.killed():
                self._stop.wait(seconds)
