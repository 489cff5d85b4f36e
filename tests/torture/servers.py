"""Receivers that misbehave: they examine every byte, remember what matters, and answer by their mood."""

from __future__ import annotations

import gzip
import random
import re
import socket
import struct
import threading
import time
from typing import Literal

from tests.support.servers import LocalServer, QuietHandler

Mood = Literal["well", "failing", "slow", "resetting"]
_MOODS: tuple[Mood, ...] = ("well", "well", "failing", "slow", "resetting")
_SLOW_SECONDS = 0.3
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset

MARK = re.compile(rb"\b([UTO])(\d+)-(\d+)-end")
"""What the traffic writes into each report: its kind, its process, its number."""


class Receiver(LocalServer):
    """Takes whatever is posted (Sentry's envelopes, OTLP) and remembers marks and canaries, not bodies.

    Args:
        canary: What must never arrive.
        seed: For its moods.
    """

    def __init__(self, canary: bytes, seed: int) -> None:
        self.marks: set[tuple[str, int, int]] = set()
        self.leaks = 0
        self.requests = 0
        self.mood: Mood = "well"
        self._random = random.Random(seed)
        lock = threading.Lock()
        outer = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                mood = outer.mood
                if mood == "resetting":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    self.close_connection = True
                    return
                body = self.read_body()
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                found = {(kind.decode(), int(pid), int(number)) for kind, pid, number in MARK.findall(body)}
                with lock:
                    outer.requests += 1
                    outer.marks |= found
                    outer.leaks += canary in body
                if mood == "slow":
                    time.sleep(_SLOW_SECONDS)
                self.answer(500 if mood == "failing" else 200)

        super().__init__(Handler)

    @property
    def dsn(self) -> str:
        """What to pass to `sentry_sdk.init`."""
        return f"http://{'a' * 32}@{self.address}/1"

    def change_mood(self) -> None:
        """Change the mood, possibly to the same."""
        self.mood = self._random.choice(_MOODS)


def parsed(mark: str) -> tuple[str, int, int]:
    """Return a mark's kind, process and number."""
    pid, number, _ = mark[1:].split("-")
    return mark[0], int(pid), int(number)
