"""What a check found: one line for each path."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Outcome(enum.StrEnum):
    """What is known about a path."""

    CLEAN = "clean"
    LEAK = "leak"
    BYPASS = "bypass"
    WRONG = "wrong"
    FAULT = "fault"
    NOT_COVERED = "not covered"
    OFF = "off"


_FAILURES = frozenset({Outcome.LEAK, Outcome.BYPASS, Outcome.WRONG, Outcome.FAULT})
# What the table shows for an outcome: whether it was covered, and whether it is clean.
_COLUMNS: Mapping[Outcome, tuple[str, str]] = {
    Outcome.CLEAN: ("yes", "yes"),
    Outcome.LEAK: ("yes", "LEAK"),
    Outcome.BYPASS: ("yes", "BYPASS"),
    Outcome.WRONG: ("yes", "WRONG"),
    Outcome.FAULT: ("no", "FAULT"),
    Outcome.NOT_COVERED: ("no", "?"),
    Outcome.OFF: ("off", "-"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPath:
    """One way out of the process.

    Args:
        path: Its name: what is exported, a colon, and the place in it.
        outcome: CLEAN: a canary was exported without its secret. LEAK: its secret was exported. BYPASS:
            something bypasses the guard. WRONG: a failure is dropped or kept that should not be. FAULT: the
            check of this path failed. NOT_COVERED: nothing is known. OFF: the application does not use it.
        detail: Through what it was exported, or why nothing is known.
    """

    path: str
    outcome: Outcome
    detail: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether somebody has to act."""
        return self.outcome in _FAILURES

    def __str__(self) -> str:
        return f"{self.path}: {self.outcome}" + (f" ({self.detail})" if self.detail else "")


def fault_at(path: str, error: Exception) -> CheckedPath:
    """Return what is known about a path whose check raised `error`."""
    detail = f"the check raised {type(error).__name__}"
    return CheckedPath(path=path, outcome=Outcome.FAULT, detail=detail)


class LeakError(AssertionError):
    """A secret is exported, or something bypasses the guard.

    Args:
        report: What was found.
    """

    def __init__(self, report: Report) -> None:
        lines = "\n".join(f"  {path}" for path in report.failures)
        super().__init__(f"{len(report.failures)} paths are not guarded:\n{lines}")
        self.report = report

    def __reduce__(self) -> tuple[type[LeakError], tuple[Report]]:
        return type(self), (self.report,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check found.

    Args:
        paths: Every path, in the order of the check.
        seconds: How long it took.
    """

    paths: tuple[CheckedPath, ...]
    seconds: float

    @property
    def failures(self) -> tuple[CheckedPath, ...]:
        """The paths on which somebody has to act."""
        return tuple(path for path in self.paths if path.is_failure)

    @property
    def is_clean(self) -> bool:
        """Whether nothing failed and at least one path was covered."""
        return not self.failures and any(path.outcome is Outcome.CLEAN for path in self.paths)

    def raise_for_leaks(self) -> None:
        """Return if nothing failed.

        Raises:
            LeakError: A secret is exported, something bypasses the guard, or a check failed; all are named.
        """
        if self.failures:
            raise LeakError(self)

    def as_dict(self) -> dict[str, object]:
        """Return it as plain data, for JSON."""
        return {
            "clean": self.is_clean,
            "seconds": round(self.seconds, 3),
            "paths": [
                {"path": path.path, "outcome": path.outcome.value, "detail": path.detail}
                for path in self.paths
            ],
        }

    def __str__(self) -> str:
        rows = [("path", "covered", "clean", "")]
        rows += [(path.path, *_COLUMNS[path.outcome], path.detail) for path in self.paths]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = ("  ".join([*map(str.ljust, row, widths), row[3]]) for row in rows)
        return "\n".join(line.rstrip() for line in lines)
