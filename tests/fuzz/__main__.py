"""`make fuzz`: every target for an equal share of the time, each in its own process."""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_GRACE = 90.0
"""Seconds that a process may take beyond its share: to start, and for the input that it is at."""


def targets() -> list[str]:
    """Return the modules that hold the targets."""
    return sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))


def tried(target: str, seconds: float, seed: int) -> dict[str, Any]:
    """Run one target; a process that ended without a report is itself a finding."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "tests.fuzz.worker", f"tests.fuzz.{target}", str(seconds), str(seed)]
        try:
            ended = subprocess.run(
                [*command, str(report)], capture_output=True, check=False, timeout=seconds + _GRACE
            )
            said = ended.stderr.decode(errors="replace")
        except subprocess.TimeoutExpired as hung:
            said = f"did not end: {(hung.stderr or b'').decode(errors='replace')}"
        if report.exists():
            read: dict[str, Any] = json.loads(report.read_text())
            return read
        return {"runs": 0, "tried": 0, "seconds": seconds, "findings": {"the process ended": said[-4_000:]}}


def main() -> int:
    """Print a line per target, and each finding; 1 if there is any."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 2**31))
    options = parser.parse_args()
    if importlib.util.find_spec("atheris"):
        how = "atheris, guided by the coverage of sentry_filters and otel"
    else:
        how = "atheris is not installed here: random bytes to hypothesis, not guided by coverage"
    print(f"{how}; seed {options.seed}\n{'target':<14}{'runs':>10}{'seconds':>9}{'findings':>10}", flush=True)
    every = targets()
    findings: dict[str, str] = {}
    for number, target in enumerate(every):
        found = tried(target, options.seconds / len(every), options.seed + number)
        findings |= {f"{target}: {key}": text for key, text in found["findings"].items()}
        name, number_found = target.removeprefix("test_"), len(found["findings"])
        print(f"{name:<14}{found['runs']:>10,}{found['seconds']:>9.0f}{number_found:>10}", flush=True)
    for key, text in findings.items():
        print(f"\n{key}\n{text}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
