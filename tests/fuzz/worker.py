"""Runs one target for a given time: coverage-guided where atheris is installed, else random bytes."""

from __future__ import annotations

import contextlib
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LARGEST = 4_096
_SEEDS = 16


class Run:
    """Counts what a target did, keeps one example of each finding, and ends the process when time is up."""

    def __init__(self, targets: list[Callable[[bytes], object]], seconds: float, report: Path) -> None:
        self._targets = targets
        self._began = time.monotonic()
        self._seconds = seconds
        self._report = report
        self._runs = 0
        self._tried = 0
        self._findings: dict[str, str] = {}

    def once(self, content: bytes) -> None:
        """Try `content` on one of the target's tests; the first byte selects which."""
        if time.monotonic() - self._began > self._seconds:
            self.end()
        if not content:
            return
        self._tried += 1
        try:
            if self._targets[content[0] % len(self._targets)](content[1:]) is not None:
                self._runs += 1
        except Exception as error:
            self._runs += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            key = f"{type(error).__name__} at {where.filename}:{where.lineno}"
            story = "".join(traceback.format_exception(error))[-4_000:]
            self._findings.setdefault(key, f"{story}by: {content.hex()}")

    def end(self) -> None:
        """Write what was found, and exit: libFuzzer's own exit would lose the report."""
        seconds = time.monotonic() - self._began
        found = {"runs": self._runs, "tried": self._tried, "seconds": seconds, "findings": self._findings}
        self._report.write_text(json.dumps(found))
        os._exit(0)


def tests_of(module: str) -> list[Callable[[bytes], object]]:
    """Return the module's hypothesis tests, each as a function of bytes."""
    loaded: Any = importlib.import_module(module)
    found = [getattr(loaded, name) for name in sorted(vars(loaded)) if name.startswith("test_")]
    return [test.hypothesis.fuzz_one_input for test in found]


def main(module: str, seconds: float, seed: int, report: Path) -> None:
    """Run the tests of `module` until `seconds` are over."""
    warnings.simplefilter("ignore")
    dice = random.Random(seed)
    guided = importlib.util.find_spec("atheris") is not None
    if not guided:
        run = Run(tests_of(module), seconds, report)
        while True:
            run.once(dice.randbytes(dice.randint(16, _LARGEST)))
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["sentry_filters", "otel"]):
        targets = tests_of(module)
    with tempfile.TemporaryDirectory() as corpus:
        for number in range(_SEEDS):
            (Path(corpus) / str(number)).write_bytes(dice.randbytes(_LARGEST))
        run = Run(targets, seconds, report)
        options = [f"-seed={seed}", f"-max_len={_LARGEST}", "-len_control=0", "-timeout=60", "-verbosity=0"]
        artifacts = f"-artifact_prefix={report.parent}/"
        atheris.Setup([sys.argv[0], *options, artifacts, corpus], run.once)
        with contextlib.suppress(KeyboardInterrupt):
            atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
