"""Figures, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.bench.timing import Samples


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Args:
        what: What was measured; a ratio names both sides.
        median: Microseconds.
        p99: Microseconds at the 99th percentile.
        ratio: Of one run.
        most: The project's own limit.
        note: What else to know about it.
    """

    what: str
    median: float
    p99: float
    ratio: float | None = None
    most: float | None = None
    note: str = ""

    @property
    def too_much(self) -> bool:
        """Whether the ratio is over its limit."""
        return self.ratio is not None and self.most is not None and self.ratio > self.most


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was not measured, and why."""

    what: str
    why: str


def plain(what: str, taken: Samples) -> Row:
    """Return a time without a ratio: the baseline of comparisons."""
    return Row(what, taken.median, taken.p99)


def compared(what: str, ours: Samples, other: Samples, most: float | None = None) -> Row:
    """Return our own time, and its ratio to another's at the median."""
    return Row(what, ours.median, ours.p99, ours.over(other), most)


def added(what: str, guarded: Samples, bare: Samples, most: float | None = None, at: float = 0.5) -> Row:
    """Return what is added to `bare`: the difference, and its ratio to `bare` at a quantile."""
    return Row(what, guarded.median - bare.median, guarded.p99 - bare.p99, guarded.over(bare, at) - 1.0, most)


def show(title: str, rows: Iterable[Row | LeftOut]) -> None:
    """Print the figures of one benchmark."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("median µs", "p99 µs", "ratio", "at most"):
        table.add_column(name, justify="right")
    left_out = []
    for row in rows:
        if isinstance(row, LeftOut):
            left_out.append(row)
            continue
        table.add_row(
            f"{row.what}; {row.note}" if row.note else row.what,
            f"{row.median:,.1f}",
            f"{row.p99:,.1f}",
            "" if row.ratio is None else f"{'[red]' if row.too_much else ''}{row.ratio:.3f}",
            "" if row.most is None else f"{row.most:g}",
        )
    console = Console()
    console.print(table)
    for missing in left_out:
        console.print(f"{missing.what}: left out, {missing.why}", soft_wrap=True)
