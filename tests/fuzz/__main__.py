"""`make fuzz`: every target for an equal share of the time, in its own process, from where it stopped."""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import corpus, keeping
from tests.fuzz.targets import targets

_GRACE = 150.0
"""Seconds that a process may take beyond its share: to start, and for the input that it is at."""
_STATUS = re.compile(r"cov: (\d+) ft: (\d+)")  # of libFuzzer's lines
_HEADS = f"{'target':<14}{'runs':>10}{'CPU s':>8}{'edges':>8}{'features':>10}{'inputs':>8}{'findings':>10}"


@dataclass(frozen=True)
class Tried:
    """What one process did.

    Args:
        runs: How many inputs meant anything.
        cpu_seconds: The time that it computed.
        edges: The branches taken, 0 where nobody counted.
        features: The same, each with how often it was taken.
        findings: What was raised, by where.
    """

    runs: int
    cpu_seconds: float
    edges: int
    features: int
    findings: dict[str, str]


def tried(target: str, seconds: float, seed: int) -> Tried:
    """Run one target; a process that ended without a report is itself a finding."""
    began = _cpu_seconds()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = ["fuzz", target, str(seconds), str(seed), name]
        log = folder / "log"
        with log.open("wb") as said:
            try:
                subprocess.run(
                    [sys.executable, "-m", "tests.fuzz.worker", *command],
                    stdout=said, stderr=said, check=False, timeout=seconds + _GRACE,
                )  # fmt: skip
                ended = "ended"
            except subprocess.TimeoutExpired:
                ended = "did not end"
        text = log.read_text(errors="replace")
        report = folder / "report.json"
        if report.exists():
            read = json.loads(report.read_text())
        else:
            read = {"runs": 0, "findings": {f"the process {ended}": _story(text)}}
        _save_findings(target, folder)
    statuses = _STATUS.findall(text) or [(0, 0)]
    edges, features = map(int, statuses[-1])
    return Tried(read["runs"], _cpu_seconds() - began, edges, features, read["findings"])


def _story(log: str) -> str:
    """Return the end of a process's log, without what atheris says at the start."""
    return "\n".join(line for line in log.splitlines() if not line.startswith("INFO: Instr"))[-4_000:]


def _save_findings(target: str, folder: Path) -> None:
    """Copy the inputs that failed to where they outlive the run."""
    saved = corpus.LOCAL / "findings" / target
    for pattern in ("finding-*", "crash-*", "timeout-*", "oom-*"):
        for path in folder.glob(pattern):
            saved.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, saved / path.name)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _noted(target: str, done: Tried) -> None:
    """Add what was done to what is known locally, at once: a run may be interrupted."""
    known = corpus.records(corpus.LOCAL)
    before = known.get(target, corpus.Record())
    known[target] = corpus.Record(
        cpu_seconds=round(before.cpu_seconds + done.cpu_seconds, 1),
        runs=before.runs + done.runs,
        edges=done.edges,
        features=done.features,
    )
    corpus.write_records(corpus.LOCAL, known)


def fuzzed(names: list[str], seconds: float, seed: int) -> dict[str, str]:
    """Try the targets one after the other, printing a line for each; return the findings."""
    findings: dict[str, str] = {}
    for number, target in enumerate(names):
        done = tried(target, seconds / len(names), seed + number)
        _noted(target, done)
        findings |= {f"{target}: {key}": text for key, text in done.findings.items()}
        inputs = len({*corpus.kept(target), *(path.name for path in corpus.working(target).iterdir())})
        print(
            f"{target:<14}{done.runs:>10,}{done.cpu_seconds:>8.0f}{done.edges:>8,}{done.features:>10,}"
            f"{inputs:>8,}{len(done.findings):>10}",
            flush=True,
        )
    return findings


def main() -> int:
    """Print a line per target, and each finding; 1 if there is any."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=300.0, help="for all targets together")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 2**31))
    parser.add_argument("--only", nargs="+", choices=targets(), default=targets(), metavar="TARGET")
    parser.add_argument("--keep", action="store_true", help="minimise what was found, and keep it")
    parser.add_argument(
        "--finding",
        nargs=2,
        metavar=("FILE", "NAME"),
        help="keep this input of --only, which once failed, so named",
    )
    options = parser.parse_args()
    if options.finding:
        file, name = options.finding
        return keeping.name_finding(options.only, Path(file), name)
    guided = importlib.util.find_spec("atheris") is not None
    if guided:
        how = "atheris, guided by the coverage of sentry_filters and otel"
    else:
        how = "atheris is not installed here: random bytes behind what is kept, not guided by coverage"
    print(f"{how}; seed {options.seed}\n{_HEADS}", flush=True)
    findings = fuzzed(options.only, options.seconds, options.seed) if options.seconds > 0 else {}
    for key, text in findings.items():
        print(f"\n{key}\n{text}")
    if options.keep and not guided:
        parser.error("without atheris nothing can be minimised; expected Linux on x86_64, Python before 3.14")
    if options.keep:
        for target in options.only:
            print(keeping.keep(target), flush=True)
        keeping.write_page()
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
