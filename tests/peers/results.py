"""What the tests of a suite came to, read from JUnit's XML, and where two runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from tests.peers.under_guard import COUNTED, USED

Outcome = Literal["passed", "skipped", "failed", "not run"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one test came to.

    Args:
        outcome: A test that fails in its setup or teardown has failed.
        file: Where it is, in its source distribution.
        message: Why it failed or was skipped.
        guarded: Whether the guard was in the way of anything.
        counted: What the guard counted that healthy work does not lead to.
    """

    outcome: Outcome
    file: str = ""
    message: str = ""
    guarded: bool = False
    counted: tuple[str, ...] = ()


Results = Mapping[str, Result]
"""By the test: `tests.test_client::test_name[parameter]`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A test that passes without the guard, and not with it.

    Args:
        test: Which one.
        file: Where it is.
        why: What became of it.
    """

    test: str
    file: str
    why: str


def read(path: Path) -> dict[str, Result]:
    """Return the results in a file that `pytest -o junit_family=xunit1 --junitxml` wrote."""
    results: dict[str, Result] = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        test = f"{case.get('classname')}::{case.get('name')}"
        # A test that fails in its teardown, too, is there twice.
        if test not in results or results[test].outcome != "failed":
            results[test] = _result(case)
    return results


def _result(case: ElementTree.Element) -> Result:
    outcome: Outcome = "passed"
    message = ""
    for part in case:
        if part.tag in {"failure", "error"}:
            outcome, message = "failed", part.get("message") or ""
        elif part.tag == "skipped" and outcome == "passed":
            outcome, message = "skipped", part.get("message") or ""
    noted = {each.get("name"): each.get("value") for each in case.iter("property")}
    guarded = noted.pop(USED, None) is not None
    counted = tuple(
        f"{name} {number}" for name, number in noted.items() if str(name).partition("/")[0] in COUNTED
    )
    return Result(outcome, case.get("file") or "", " ".join(message.split()), guarded, counted)


def differences(without: Results, guarded: Results) -> Iterator[Difference]:
    """Yield the tests that pass without the guard and do not with it, or make it count faults or drops."""
    for test, before in without.items():
        after = guarded.get(test, Result("not run"))
        if before.outcome != "passed":
            continue
        if after.outcome != "passed":
            yield Difference(test, before.file, f"{after.outcome}: {after.message}")
        elif after.counted:
            yield Difference(test, before.file, f"counted: {', '.join(after.counted)}")


def passed(results: Results) -> int:
    """Return how many tests passed."""
    return sum(result.outcome == "passed" for result in results.values())


def reached(results: Results) -> int:
    """Return in how many tests the guard was in the way of something."""
    return sum(result.guarded for result in results.values())
