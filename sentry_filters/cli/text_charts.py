"""Small charts made of characters: bars, and rows by time as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import compress, groupby
from types import MappingProxyType
from typing import NamedTuple

from sentry_filters.audit import Answer, Value, duration, header

__all__ = ["TIMES", "LineChart", "Marks", "Window", "lines_over_time"]

Window = tuple[datetime, datetime] | None
"""The chosen time, as aware times; None: all of a ledger."""

TIMES: Mapping[str, timedelta] = MappingProxyType(
    {"hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
)
"""The first columns that make an answer a time line, and how far apart their values are."""

_FORM = "%Y-%m-%d %H:%M"
_EACH: Sequence[timedelta] = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, *(1440 * 2**power for power in range(22)))
)
"""How much time a value of a line may stand for."""
_Row = Sequence[Value]
_Line = tuple[_Row, Sequence[float], _Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The characters that a terminal can show.

    Args:
        good: Marks what holds.
        bad: Marks what is broken.
        levels: From nothing to the highest.
        full: One cell of a bar.
        part: The last cell of a bar that does not fill it.
        bar_cells: How long a bar may get.
        spark_cells: How long a sparkline may get.
        least_spark_cells: How long it may get where there is too little room.
    """

    good: str
    bad: str
    levels: str
    full: str
    part: str
    bar_cells: int = 20
    spark_cells: int = 62
    least_spark_cells: int = 12

    @classmethod
    def for_encoding(cls, encoding: str) -> Marks:
        """Return blocks where the encoding has them, else ASCII."""
        if encoding.lower().startswith("utf"):
            return cls(good="✓", bad="✗", levels=" ▁▂▃▄▅▆▇█", full="█", part="▌")
        return cls(good="ok", bad="BROKEN", levels=" .:-=+*#", full="#", part="-")

    def bar(self, value: float, most: float) -> str:
        """Return a bar as long as `value` is of `most`; anything more than nothing shows."""
        if value <= 0 or most <= 0:
            return ""
        halves = max(1, round(2 * self.bar_cells * value / most))
        return self.full * (halves // 2) + self.part * (halves % 2)

    def sparkline(self, values: Sequence[float]) -> str:
        """Return one character for each value; anything more than nothing shows."""
        most, steps = max(values, default=0), len(self.levels) - 1
        return "".join(
            self.levels[max(1, round(steps * value / most)) if value > 0 else 0] for value in values
        )


class LineChart(NamedTuple):
    """Lines over the same time.

    Args:
        time: What the values cover.
        labels: Names of a line's labels.
        sums: Names of a line's sums.
        lines: Each its labels, its values in order of time, and its sums.
    """

    time: str
    labels: Sequence[str]
    sums: Sequence[str]
    lines: Sequence[_Line]


def lines_over_time(answer: Answer, numeric: Sequence[bool], window: Window, *, cells: int) -> LineChart:
    """Return an answer, whose first column is a time, as lines of at most `cells` values.

    The columns that are not numbers name the groups, and the first number is drawn; where nothing names
    groups, each number is a line of its own.

    Args:
        answer: It has rows.
        numeric: For each column, whether it holds numbers.
        window: What the lines span; None: from the first row to the last.
        cells: How many values there may be.
    """
    columns, rows = answer.columns, answer.rows
    axis = _Axis.over([_moment(row[0]) for row in rows], window, TIMES[columns[0]], cells)
    numbers = [*compress(range(len(columns)), numeric)]
    names = [place for place in range(1, len(columns)) if not numeric[place]]
    if not names:
        lines = [axis.line((header(columns[place]),), rows, [place]) for place in numbers]
        return LineChart(str(axis), [""], ["sum"], lines)

    def labels_of(row: _Row) -> _Row:
        return tuple(row[place] for place in names)

    groups = groupby(sorted(rows, key=lambda row: str(labels_of(row))), labels_of)
    lines = [axis.line(labels, [*group], numbers) for labels, group in groups]
    heads, sums = ([columns[place] for place in places] for places in (names, numbers))
    return LineChart(str(axis), heads, sums, lines)


class _Axis(NamedTuple):
    """The time that lines have in common, and how much of it one value stands for."""

    first: datetime
    last: datetime
    each: timedelta

    @classmethod
    def over(cls, moments: Sequence[datetime], window: Window, step: timedelta, cells: int) -> _Axis:
        chosen = [] if window is None else [time.astimezone(UTC).replace(tzinfo=None) for time in window]
        first, last = (_floor(edge([*moments, *chosen]), step) for edge in (min, max))
        each = next(one for one in _EACH if one >= step and (last - first) // one + 1 < cells)
        return cls(_floor(first, each), last, each)

    def __str__(self) -> str:
        each = duration(int(self.each.total_seconds()))
        return f"{self.first:{_FORM}} to {self.last:{_FORM}}, {each} each"

    def line(self, labels: _Row, rows: Sequence[_Row], numbers: Sequence[int]) -> _Line:
        """Return a group's line: the first of `numbers` is drawn, all are summed."""
        values = [0.0] * ((self.last - self.first) // self.each + 1)
        for row in rows:
            values[(_moment(row[0]) - self.first) // self.each] += float(row[numbers[0]] or 0)
        return labels, values, [sum(int(row[place] or 0) for row in rows) for place in numbers]


def _floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - datetime.min) % step


def _moment(time: Value) -> datetime:
    return datetime.strptime(str(time), _FORM)
