"""Runs one suite: without the guard and with it, and where the two differ, once more."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.peers.environments import CACHE, Installed, Unavailable
from tests.peers.meant import MEANT
from tests.peers.results import Difference, Result, Results, differences, passed, reached, read
from tests.peers.suites import Guarding, Suite

LONGEST: Final = 3600.0
"""Seconds that one run may take."""
_HERE: Final = Path(__file__).parent
# What would change the suite's own behaviour.
_NOT_THEIRS: Final = ("CI", "OTEL_", "PYTEST_", "PYTHONWARNINGS", "SENTRY_")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A suite without the guard and with it, put in its way in one manner.

    Args:
        guarding: The manner.
        passed: How many tests pass with the guard.
        reached: In how many tests it was in the way of something.
        meant: What differs, and is in the table.
        unlisted: What differs, and is not.
        unsteady: What differed at first, and not when both were run again. Perhaps a race.
    """

    guarding: Guarding
    passed: int
    reached: int
    meant: tuple[Difference, ...]
    unlisted: tuple[Difference, ...]
    unsteady: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a suite.

    Args:
        suite: Its name.
        version: The package's.
        tests: How many it has.
        passed: How many pass without the guard.
        comparisons: One for each manner in which the guard is put in its way.
    """

    suite: str
    version: str
    tests: int
    passed: int
    comparisons: tuple[Comparison, ...]


def compared(suite: Suite, here: Installed) -> Compared:
    """Run a suite without the guard and with it.

    Raises:
        Unavailable: Not even without the guard does any of its tests pass.
    """
    without = _run(suite, here, None, suite.paths)
    if not passed(without):
        raise Unavailable("without the guard, none of its tests passes")
    comparisons = tuple(_comparison(suite, here, without, guarding) for guarding in suite.guardings)
    return Compared(suite.name, here.version, len(without), passed(without), comparisons)


def _comparison(suite: Suite, here: Installed, without: Results, guarding: Guarding) -> Comparison:
    guarded = _run(suite, here, guarding, suite.paths)
    differing = list(differences(without, guarded))
    meant = [one for one in differing if any(row.matches(suite.name, one.test) for row in MEANT)]
    unlisted = [one for one in differing if one not in meant]
    again = _once_more(suite, here, guarding, unlisted)
    return Comparison(
        guarding,
        passed=passed(guarded),
        reached=reached(guarded),
        meant=tuple(meant),
        unlisted=tuple(again),
        unsteady=tuple(one for one in unlisted if one.test not in {each.test for each in again}),
    )


def _once_more(
    suite: Suite, here: Installed, guarding: Guarding, unlisted: Iterable[Difference]
) -> list[Difference]:
    """Return what still differs where the files of these tests are run again."""
    tests = {one.test for one in unlisted}
    if not tests:
        return []
    files = sorted({one.file for one in unlisted if (here.folder / one.file).exists()} or suite.paths)
    without, guarded = (_run(suite, here, manner, files, "again") for manner in (None, guarding))
    return [one for one in differences(without, guarded) if one.test in tests]


def _run(
    suite: Suite, here: Installed, guarding: Guarding | None, paths: Iterable[str], which: str = "first"
) -> Results:
    """Run tests, a process for each path: integrations change what others import.

    Raises:
        Unavailable: Without the guard, they end without results.
    """
    results: dict[str, Result] = {}
    for number, path in enumerate(paths):
        report = CACHE / "results" / f"{suite.name}.{guarding or 'without'}.{which}.{number}.xml"
        _pytest(suite, here, guarding, path, report)
        if report.exists():
            results |= read(report)
        elif guarding is None:
            raise Unavailable(f"pytest does not start in its {path}", _last_line(report.with_suffix(".log")))
    return results


def _pytest(suite: Suite, here: Installed, guarding: Guarding | None, path: str, report: Path) -> None:
    """Run one path, and have the report and a log written."""
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [str(here.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts="]
    command += ["-c", "pyproject.toml", "--rootdir", "."]  # not ours, which is in a folder above
    command += ["-o", "junit_family=xunit1", f"--junitxml={report}", "--timeout=120", path]
    command += ["--continue-on-collection-errors"]  # one module that needs more hides no other
    command += [f"--ignore={ignored}" for ignored in suite.ignored]
    if guarding is not None:
        command += ["-p", f"under_guard.{guarding}"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THEIRS)}
    environ |= {"PYTHONPATH": str(_HERE), "PYTHONDONTWRITEBYTECODE": "1", **dict(suite.environ)}
    with report.with_suffix(".log").open("wb") as log:
        try:
            subprocess.run(
                command, cwd=here.folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                check=False, timeout=LONGEST,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            log.write(b"ended after an hour\n")


def _last_line(log: Path) -> str:
    return (log.read_text("utf-8", "replace").strip().splitlines() or [""])[-1]
