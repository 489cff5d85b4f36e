"""One process, for one target: guided by coverage where atheris is installed, else random bytes."""

from __future__ import annotations

import contextlib
import faulthandler
import hashlib
import importlib
import importlib.util
import json
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fuzz import corpus
from tests.fuzz.targets import Target

LARGEST = 2_048
_SEEDS = 16
_STUCK = 90.0
"""Seconds beyond its share after which a process is taken for stuck."""


class Run:
    """Counts what a target did, keeps each finding, and ends the process when time is up.

    Args:
        target: What to try.
        seconds: How long to run.
        folder: Takes `report.json`, and each finding as soon as it is made: its input, and what was raised.
    """

    def __init__(self, target: Target, seconds: float, folder: Path) -> None:
        self._target = target
        self._began = time.monotonic()
        self._seconds = seconds
        self._folder = folder
        self._runs = 0
        self._findings: dict[str, str] = {}

    def once(self, content: bytes) -> None:
        """Try `content`."""
        if time.monotonic() - self._began > self._seconds:
            self.end()
        try:
            self._runs += self._target(content)
        except Exception as error:
            self._runs += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            key = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
            if key not in self._findings:
                story = "".join(traceback.format_exception(error))[-4_000:]
                self._findings[key] = story
                name = hashlib.sha256(content).hexdigest()[:12]
                (self._folder / f"finding-{name}").write_bytes(content)
                (self._folder / f"finding-{name}.txt").write_text(story, errors="backslashreplace")

    def end(self) -> None:
        """Write what was found, and exit: libFuzzer's own exit would lose the report."""
        report = {"runs": self._runs, "findings": self._findings}
        (self._folder / "report.json").write_text(json.dumps(report))
        os._exit(0)


def fuzz(target: str, seconds: float, seed: int, folder: Path) -> None:
    """Run `target` until `seconds` are over, from what is kept and what was found since."""
    faulthandler.dump_traceback_later(seconds + _STUCK, exit=True)  # says where each thread waits
    dice = random.Random(seed)
    kept = list(corpus.kept(target).values())
    if importlib.util.find_spec("atheris") is None:
        run = Run(Target(target), seconds, folder)
        begin = kept or [b""]
        while True:
            start = dice.choice(begin)
            at = dice.randint(0, len(start))
            run.once(start[:at] + dice.randbytes(dice.randint(16, LARGEST)))
    atheris, guided = _guided(target)
    first = {corpus.name_of(content): content for content in (*kept, *guided.seeds())}
    first = first or {str(number): dice.randbytes(LARGEST) for number in range(_SEEDS)}
    corpus.unpack(first, folder / "first")
    (folder / "words").write_text(_dictionary(guided.words or (b"401",)))  # an empty one is refused
    options = [f"-seed={seed}", "-len_control=0", "-timeout=120", "-rss_limit_mb=4000"]
    places = [f"-artifact_prefix={folder}/", f"-dict={folder / 'words'}"]
    arguments = [*options, *places, str(corpus.working(target)), str(folder / "first")]
    _libfuzzer(atheris, [sys.argv[0], *arguments], Run(guided, seconds, folder))


def drive(target: str, program: str, arguments: Sequence[str]) -> None:
    """Call libFuzzer with its own arguments, as merging does.

    Args:
        target: The target's name.
        program: What libFuzzer runs again for its inner process: it calls `drive` with other arguments.
        arguments: Of libFuzzer.
    """
    atheris, guided = _guided(target)
    with tempfile.TemporaryDirectory() as folder:
        _libfuzzer(atheris, [program, *arguments], Run(guided, float("inf"), Path(folder)))


def _guided(target: str) -> tuple[Any, Target]:
    """Return atheris, and the target on code that tells it what was reached."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["sentry_filters", "otel"]):
        return atheris, Target(target)


def _libfuzzer(atheris: Any, arguments: list[str], run: Run) -> None:
    atheris.Setup([*arguments, f"-max_len={LARGEST}"], run.once)
    with contextlib.suppress(KeyboardInterrupt):
        atheris.Fuzz()


def _dictionary(words: Sequence[bytes]) -> str:
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words)


def main() -> None:
    """Carry out what `__main__` asks for."""
    warnings.simplefilter("ignore")
    what, target, *rest = sys.argv[1:]
    if what == "fuzz":
        seconds, seed, folder = rest
        fuzz(target, float(seconds), int(seed), Path(folder))
    else:
        drive(target, rest[0], rest[1:])


if __name__ == "__main__":
    main()
