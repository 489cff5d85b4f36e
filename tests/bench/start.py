"""What a start costs, each in a fresh process: import, first guard, further guards, resident memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Row, rated
from tests.bench.timing import Effort, Ratio, Samples

TITLE = "Cold start, fresh processes: processor time, and resident memory"

_ROUNDS = 15
_FURTHER = 5
_PROGRAM = '''
import json, os, resource, sys, time

def memory():
    """Return the megabytes that are resident now, or, where nobody says, that were at most."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        unit = 1e6 if sys.platform == "darwin" else 1e3
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

taken = {}

class step:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.memory, self.time = memory(), time.process_time()

    def __exit__(self, *raised):
        microseconds = (time.process_time() - self.time) * 1e6
        taken[self.name] = microseconds, memory() - self.memory

with step("sentry_sdk"):
    import sentry_sdk
with step("sentry_filters"):
    from sentry_filters import Policy, SessionGuard
policy = Policy(provider="OpenHuman", hosts={"api.example.ai"})
with step("first guard"):
    guards = [SessionGuard(policy, print)]
with step("further guards"):
    guards += [SessionGuard(policy, print) for _ in range(FURTHER)]
with step("warm-up"):
    warm = getattr(guards[0], "warm", None)
    if warm is not None:
        warm().join()
with step("first text"):
    guards[0].redactor.redact("a first text, of a first conversation")
with step("further texts"):
    for guard in guards[1:]:
        guard.redactor.redact("a first text, of a first conversation")
print(json.dumps(taken))
'''


def rows(effort: Effort) -> Iterator[Row]:
    """Start one process after the other, and compare what each took with its own import of sentry-sdk."""
    rounds = [_started() for _ in range(max(2, min(_ROUNDS, effort.turns // 2)))]
    sdk = [one["sentry_sdk"][0] for one in rounds]
    yield _time("import sentry_sdk", sdk)
    imported = [one["sentry_filters"][0] for one in rounds]
    taken, ratio = (
        Samples([imported]),
        Ratio.of(ours / other for ours, other in zip(imported, sdk, strict=True)),
    )
    yield rated(
        "import sentry_filters, after sentry_sdk / import sentry_sdk", taken.median, taken.p99, ratio, 0.5
    )
    for what, name, number, most in (
        ("the first guard", "first guard", 1, 5.0),
        ("each further guard", "further guards", _FURTHER, 2.0),
        ("guard.warm(), in its thread", "warm-up", 1, None),
        ("the first text redacted, after guard.warm()", "first text", 1, None),
        ("each further guard's first text", "further texts", _FURTHER, None),
    ):
        yield _absolute(what, Samples([[one[name][0] / number / 1_000 for one in rounds]]), most, "ms")
    for what, names, number, limit in (
        ("import sentry_filters", ("sentry_filters",), 1, None),
        (
            "import, first guard and first text",
            ("sentry_filters", "first guard", "warm-up", "first text"),
            1,
            15.0,
        ),
        ("each further guard, with its first text", ("further guards", "further texts"), _FURTHER, 0.5),
    ):
        memory = Samples([[sum(one[name][1] for name in names) / number for one in rounds]])
        yield _absolute(f"memory: {what}", memory, limit, "MB")


def _time(what: str, times: list[float]) -> Row:
    taken = Samples([times])
    return Row(what, taken.median, taken.p99)


def _absolute(what: str, taken: Samples, most: float | None, unit: str) -> Row:
    """Return a figure that has nothing to be a ratio of: what is limited is the figure itself."""
    ratio = Ratio.of(taken.blocks[0])
    return rated(what, ratio.median, taken.p99, ratio, most, unit=unit)


def _started() -> dict[str, tuple[float, float]]:
    program = _PROGRAM.replace("FURTHER", str(_FURTHER))
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    return {name: (taken[0], taken[1]) for name, taken in json.loads(done.stdout).items()}
