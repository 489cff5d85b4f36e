"""Figures as a table a person can read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One figure.

    Args:
        what: What was measured; a ratio names both sides.
        median: Microseconds.
        p99: Microseconds at the 99th percentile.
        ratio: Of one run.
        most: The most that the project allows itself.
    """

    what: str
    median: float
    p99: float
    ratio: float | None = None
    most: float | None = None

    @property
    def too_much(self) -> bool:
        """Whether the ratio is over what is allowed."""
        return self.ratio is not None and self.most is not None and self.ratio > self.most


def show(title: str, rows: Iterable[Row]) -> bool:
    """Print `rows`; return whether every ratio is within what is allowed."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("median µs", "p99 µs", "ratio", "at most"):
        table.add_column(name, justify="right")
    fine = True
    for row in rows:
        fine = fine and not row.too_much
        table.add_row(
            row.what,
            f"{row.median:,.1f}" if row.median else "",
            f"{row.p99:,.1f}",
            "" if row.ratio is None else f"{'[red]' if row.too_much else ''}{row.ratio:.3f}",
            "" if row.most is None else f"{row.most:g}",
        )
    Console().print(table)
    return fine
