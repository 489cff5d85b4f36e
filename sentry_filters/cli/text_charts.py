"""Rows by time as lines: one for each group, with every hour or minute in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sentry_filters.audit.queries import Value

__all__ = ["TIMES", "Line", "Timelines", "timelines"]

TIMES: Mapping[str, timedelta] = MappingProxyType(
    {"hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
)
"""First columns that make an answer a time line, and how far apart their values are."""

_FORM = "%Y-%m-%d %H:%M"
_Row = Sequence[Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one group counted.

    Args:
        labels: Name the group.
        values: What it counted, in order of time.
        sums: Its sums, as `Timelines.sums` names them.
    """

    labels: tuple[Value, ...]
    values: tuple[float, ...]
    sums: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timelines:
    """Lines over the same time.

    Args:
        labels: Names of the lines' labels.
        sums: Names of the lines' sums.
        first: Where the lines begin.
        last: The last hour or minute in which something was.
        lines: In order of their labels.
    """

    labels: tuple[str, ...]
    sums: tuple[str, ...]
    first: str
    last: str
    lines: tuple[Line, ...]


def timelines(
    columns: Sequence[str], rows: Sequence[_Row], numeric: Sequence[bool], *, cells: int
) -> Timelines:
    """Return rows, whose first column is a time, as lines of at most `cells` values.

    The columns that are no numbers name the groups, and the first number is drawn; where nothing names
    groups, each number is a line of its own.
    """
    times = [str(row[0]) for row in rows]
    first, last = min(times), max(times)
    step = TIMES[columns[0]]
    start = datetime.strptime(first, _FORM)
    steps = (datetime.strptime(last, _FORM) - start) // step + 1
    each = -(-steps // cells)
    numbers = [place for place in range(1, len(columns)) if numeric[place]]
    names = [place for place in range(1, len(columns)) if not numeric[place]]

    def line(labels: tuple[Value, ...], group: Sequence[_Row], drawn: int, summed: Sequence[int]) -> Line:
        values = [0.0] * (-(-steps // each))
        for row in group:
            passed = (datetime.strptime(str(row[0]), _FORM) - start) // step
            values[passed // each] += float(row[drawn] or 0)
        sums = tuple(sum(int(row[place] or 0) for row in group) for place in summed)
        return Line(labels=labels, values=tuple(values), sums=sums)

    if not names:
        lines = [line((columns[place],), rows, place, [place]) for place in numbers]
        return Timelines(labels=("",), sums=("sum",), first=first, last=last, lines=tuple(lines))
    groups: dict[tuple[Value, ...], list[_Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[place] for place in names), []).append(row)
    lines = [line(labels, groups[labels], numbers[0], numbers) for labels in sorted(groups, key=str)]
    return Timelines(
        labels=tuple(columns[place] for place in names),
        sums=tuple(columns[place] for place in numbers),
        first=first,
        last=last,
        lines=tuple(lines),
    )
