"""Figures, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.bench.timing import Ratio, Samples

THREAD, TAIL, PROCESS = "on the thread", "on the thread, p99", "in the process, export included"
"""What is measured of every kind of span and log record."""

ABSOLUTE = ("MB", "ms")
"""Units of figures that have nothing to be a ratio of."""

_WIDTH = 150  # characters: names are long


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
        low: The ratio's 10th percentile over the run's turns.
        high: Its 90th.
        unit: Of `median` and `p99`.
    """

    what: str
    median: float
    p99: float
    ratio: float | None = None
    most: float | None = None
    note: str = ""
    low: float | None = None
    high: float | None = None
    unit: str = "µs"

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


def compared(
    what: str, ours: Samples, other: Samples, most: float | None = None, at: float = 0.5, note: str = ""
) -> Row:
    """Return our own time, and its ratio to another's at a quantile."""
    return rated(what, ours.median, ours.p99, ours.over(other, at), most, note)


def added(what: str, guarded: Samples, bare: Samples, most: float | None = None, at: float = 0.5) -> Row:
    """Return what is added to `bare`: the difference, and its ratio to `bare` at a quantile."""
    ratio = guarded.over(bare, at).less(1.0)
    return rated(what, guarded.median - bare.median, guarded.p99 - bare.p99, ratio, most)


def rated(
    what: str,
    median: float,
    p99: float,
    ratio: Ratio,
    most: float | None = None,
    note: str = "",
    unit: str = "µs",
) -> Row:
    """Return a row with a ratio and its spread."""
    return Row(what, median, p99, ratio.median, most, note, ratio.low, ratio.high, unit)


def show(title: str, rows: Iterable[Row | LeftOut]) -> None:
    """Print the figures of one benchmark."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("median", "p99", "", "ratio", "p10 to p90", "at most"):
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
            row.unit,
            "" if row.ratio is None else f"{'[red]' if row.too_much else ''}{row.ratio:.3f}",
            "" if row.low is None else f"{row.low:.3f} to {row.high:.3f}",
            "" if row.most is None else f"{row.most:g}",
        )
    console = Console(width=_WIDTH)
    console.print(table)
    for missing in left_out:
        console.print(f"{missing.what}: left out, {missing.why}", soft_wrap=True)
