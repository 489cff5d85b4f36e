"""A ledger's answers in a terminal: the verdict, then tables and small charts, red where one is broken."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sentry_filters.audit import Answer, Value, header
from sentry_filters.cli.text_charts import TIMES, Marks, Window, lines_over_time

__all__ = ["show"]

_PLAIN_WIDTH = 200
_MOST_ROWS = 20
_INDENT = 2
_INDENTED = (0, 0, 0, _INDENT)
_GAP = 2

_Rows = Sequence[Sequence[str | int | float]]


def show(ledger: str, since: datetime | None, answers: Sequence[Answer]) -> None:
    """Print answers to standard output: in colour and as wide as the terminal, plain where there is none.

    The verdict comes first, then the invariants, then the rest.

    Args:
        ledger: Its file.
        since: Where the window begins that ends now; None: all of it.
        answers: To the questions that were asked.
    """
    # A cron job's locale may have no blocks: what it cannot encode is replaced, not an error.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    console = _Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PLAIN_WIDTH
    marks = Marks.for_encoding(console.encoding)
    console.print(_safe(f"{ledger}, {_reach(since)}"), style="dim")
    stated = [answer for answer in answers if answer.holds is not None]
    if stated:
        console.print(_verdict(stated, marks))
        console.print()
    window = None if since is None else (since, datetime.now(UTC))
    for answer in stated:
        console.print(_invariant(console.width - _INDENT, answer, window, marks))
    for answer in answers:
        if answer.holds is None:
            console.print()
            console.print(_asked(console.width - _INDENT, answer, window, marks))


def _reach(since: datetime | None) -> str:
    return "all of it" if since is None else f"since {since:%Y-%m-%d %H:%M} UTC"


class _Console(Console):
    """Leaves it to the command what a reader means that has left; rich's own ends with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - rich calls it while it handles the error


def _verdict(stated: Sequence[Answer], marks: Marks) -> Text:
    broken = [answer.query.name for answer in stated if not answer.holds]
    if broken:
        verdict = f"{marks.bad} {len(broken)} of {len(stated)} invariants broken: {', '.join(broken)}"
        return Text(verdict, style="bold red")
    return Text(f"{marks.good} {len(stated)} of {len(stated)} invariants hold", style="bold green")


def _invariant(width: int, answer: Answer, window: Window, marks: Marks) -> RenderableType:
    """Return one line while it holds and there is nothing to show; else what is wrong, and where."""
    if answer.holds:
        parts: list[RenderableType] = [Text.assemble((f"{marks.good} ", "green"), answer.query.headline)]
    else:
        parts = [Text(f"{marks.bad} {answer.query.headline}", style="bold red")]
        parts.append(Padding(Text(f"Bad: {answer.query.bad}", style="red"), _INDENTED))
    if answer.rows:
        parts.append(Padding(_table(width, answer, window, marks), _INDENTED, expand=False))
    return Group(*parts)


def _asked(width: int, answer: Answer, window: Window, marks: Marks) -> RenderableType:
    question = Text(answer.query.headline, style="bold")
    if not answer.rows:
        return Text.assemble(question, ("  nothing", "dim"))
    return Group(question, Padding(_table(width, answer, window, marks), _INDENTED, expand=False))


def _table(width: int, answer: Answer, window: Window, marks: Marks) -> RenderableType:
    """Return an answer as a table of the kind that suits it: by time, one row upright, or row by row."""
    shown = [
        [answer.query.shown(column, value) for column, value in zip(answer.columns, row, strict=True)]
        for row in answer.rows
    ]
    numeric = [all(isinstance(value, int | float) for value in values) for values in zip(*shown, strict=True)]
    if answer.columns[0] in TIMES:
        return _over_time(width, answer, numeric, window, marks)
    if len(shown) == 1 and all(numeric):
        return _upright(answer.columns, shown[0])
    return _row_by_row(width, answer.columns, shown, numeric, marks)


def _row_by_row(
    width: int, columns: Sequence[str], shown: _Rows, numeric: Sequence[bool], marks: Marks
) -> RenderableType:
    headers = [header(column) for column in columns]
    rows = [[*map(_safe, row)] for row in shown[:_MOST_ROWS]]
    more = f"and {len(shown) - _MOST_ROWS} more; --json has all rows" if len(shown) > _MOST_ROWS else ""
    least = _least_widths(headers, rows)
    free = width - sum(least) - _GAP * len(least)
    if free < 0:
        return Group(*_side_by_side(width, headers, rows), *([Text(more, style="dim")] if more else []))
    bars = _bars(shown, numeric, marks) if free >= marks.bar_cells + _GAP else ()
    whole = [*map(max, least, map(len, headers))]
    fits = sum(whole) - sum(least) <= free - (marks.bar_cells + _GAP if bars else 0)
    table = _empty_table()
    for name, cells, is_number in zip(headers, whole if fits else least, numeric, strict=True):
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(name, justify=justify, width=cells)
    if bars:
        table.add_column("", width=marks.bar_cells)
        for row, bar in zip(rows, bars, strict=False):
            row.append(Text(bar, style="cyan"))
    for row in rows:
        table.add_row(*row)
    if more:
        table.caption, table.caption_justify = more, "left"
    return table


def _side_by_side(width: int, headers: Sequence[str], rows: Sequence[Sequence[Text]]) -> Iterator[Table]:
    """Yield rows that are too wide as columns, as many beside each other as there is room for."""
    left = [*rows]
    while left:
        table = _empty_table(show_header=False)
        table.add_column(style="dim")
        free = width - max(map(len, headers)) - _GAP
        taken: list[Sequence[Text]] = []
        while left and (not taken or free >= _GAP + max(map(len, left[0]))):
            free -= _GAP + max(map(len, left[0]))
            taken.append(left.pop(0))
            # A value that is wider than the terminal is folded, never cut.
            table.add_column(overflow="fold")
        for name, *cells in zip(headers, *taken, strict=True):
            table.add_row(name, *cells)
        if left:
            table.add_row()
        yield table


def _least_widths(headers: Sequence[str], rows: Sequence[Sequence[Text]]) -> list[int]:
    """Return how wide each column must be for its values, and the words of its header, to stay whole."""
    return [
        max(len(text) for text in (*name.split(), *(row[place].plain for row in rows)))
        for place, name in enumerate(headers)
    ]


def _upright(columns: Sequence[str], row: Sequence[Value]) -> Table:
    table = _empty_table(show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in zip(columns, row, strict=True):
        table.add_row(header(name), _safe(value))
    return table


def _over_time(
    width: int, answer: Answer, numeric: Sequence[bool], window: Window, marks: Marks
) -> RenderableType:
    """Return one line for each group of rows: its times side by side, and its sums."""
    cells = marks.spark_cells
    chart = lines_over_time(answer, numeric, window, cells=cells)
    names = [header(name) for name in (*chart.labels, *chart.sums)]
    beside = _least_widths(names, [[*map(_safe, (*labels, *sums))] for labels, _, sums in chart.lines])
    room = width - sum(beside) - _GAP * (len(beside) + 1)
    if room < cells:
        chart = lines_over_time(answer, numeric, window, cells=max(room, marks.least_spark_cells))
    table = _empty_table()
    for name in chart.labels:
        table.add_column(header(name), overflow="fold")
    table.add_column("", no_wrap=True)
    for name in chart.sums:
        table.add_column(header(name), justify="right")
    for labels, values, sums in chart.lines:
        table.add_row(*map(_safe, labels), Text(marks.sparkline(values), style="cyan"), *map(_safe, sums))
    return Group(Text(chart.time, style="dim"), table)


def _bars(shown: _Rows, numeric: Sequence[bool], marks: Marks) -> Sequence[str]:
    """Return a bar for each row, by the first column that counts; none where all rows count the same."""
    if True not in numeric:
        return ()
    values = [float(row[numeric.index(True)]) for row in shown]
    return [marks.bar(value, max(values)) for value in values] if len(set(values)) > 1 else ()


def _empty_table(*, show_header: bool = True) -> Table:
    return Table(
        box=None, pad_edge=False, header_style="dim", padding=(0, _GAP, 0, 0), show_header=show_header
    )


def _safe(value: Value) -> Text:
    """Return a value that can neither control the terminal nor be taken for markup."""
    text = "" if value is None else str(value)
    return Text("".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text))
