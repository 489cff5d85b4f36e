"""A ledger's answers in a terminal: tables with small charts, red where an invariant is broken."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sentry_filters.audit import Answer, Value
from sentry_filters.cli.text_charts import TIMES, Marks, lines_over_time

__all__ = ["show"]

_PLAIN_WIDTH = 200
_MOST_ROWS = 20
_INDENT = 2
_INDENTED = (0, 0, 0, _INDENT)
_GAP = 2
_NOT_MEASURES = frozenset({"http_status", "confirmed", "handled", "renewed", "seconds_to_renewal"})
"""Columns of numbers that a bar cannot show."""


def show(ledger: str, since: str | None, answers: Sequence[Answer]) -> None:
    """Print answers to standard output: in colour and as wide as the terminal, plain where there is none."""
    # A cron job's locale may have no blocks: what it cannot encode is replaced, not an error.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    console = _Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PLAIN_WIDTH
    marks = Marks.for_encoding(console.encoding)
    console.print(_safe(f"{ledger}, {'all of it' if since is None else f'since {since}'}"), style="dim")
    for answer in answers:
        console.print()
        console.print(_drawn(console.width - _INDENT, answer, marks))
    if any(answer.holds is not None for answer in answers):
        console.print()
        console.print(_summary(answers, marks))


class _Console(Console):
    """Leaves it to the command what a reader means that has left; rich's own ends with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - rich calls it while it handles the error


def _drawn(width: int, answer: Answer, marks: Marks) -> RenderableType:
    question = answer.query.question
    if answer.holds is None:
        head = Text(question, style="bold")
    elif answer.holds:
        head = Text.assemble((f"{marks.good} ", "green"), question)
    else:
        head = Text(f"{marks.bad} {question}", style="bold red")
    parts: list[RenderableType] = [head]
    if answer.holds is False:
        parts.append(Padding(Text(f"Bad: {answer.query.bad}", style="red"), _INDENTED))
    if answer.rows:
        parts.append(Padding(_table(width, answer, marks), _INDENTED, expand=False))
    elif answer.holds is None:
        parts.append(Padding(Text("nothing", style="dim"), _INDENTED))
    return Group(*parts)


def _summary(answers: Sequence[Answer], marks: Marks) -> Text:
    broken = [answer.query.name for answer in answers if answer.holds is False]
    stated = sum(answer.holds is not None for answer in answers)
    if broken:
        summary = f"{marks.bad} {len(broken)} of {stated} invariants broken: {', '.join(broken)}"
        return Text(summary, style="bold red")
    return Text(f"{marks.good} {stated} of {stated} invariants hold", style="green")


def _table(width: int, answer: Answer, marks: Marks) -> Table:
    """Return an answer as a table of the kind that suits it: by time, one row upright, or row by row."""
    numeric = [
        all(isinstance(row[place], int | float) for row in answer.rows)
        for place in range(len(answer.columns))
    ]
    if answer.columns[0] in TIMES:
        return _over_time(answer, numeric, marks)
    if len(answer.rows) == 1 and all(numeric):
        return _upright(answer)
    return _row_by_row(width, answer, numeric, marks)


def _row_by_row(width: int, answer: Answer, numeric: Sequence[bool], marks: Marks) -> Table:
    rows = [[*map(_safe, row)] for row in answer.rows[:_MOST_ROWS]]
    least = _least_widths(answer.columns, rows)
    free = width - sum(least) - _GAP * len(least)
    table = _empty_table()
    for name, cells, is_number in zip(answer.columns, least, numeric, strict=True):
        justify: Literal["left", "right"] = "right" if is_number else "left"
        # Where there is no room for all, values are folded, never cut.
        table.add_column(
            _words(name), justify=justify, overflow="fold", min_width=cells if free >= 0 else None
        )
    bars = _bars(answer, numeric, marks) if free >= marks.bar_cells else ()
    if bars:
        table.add_column("", no_wrap=True, min_width=marks.bar_cells)
        for row, bar in zip(rows, bars, strict=False):
            row.append(Text(bar, style="cyan"))
    for row in rows:
        table.add_row(*row)
    if len(answer.rows) > _MOST_ROWS:
        table.caption = f"and {len(answer.rows) - _MOST_ROWS} more; --json has all rows"
        table.caption_justify = "left"
    return table


def _least_widths(columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> list[int]:
    """Return how wide each column must be for its values, and the words of its name, to stay whole."""
    return [
        max(len(text) for text in (*name.split("_"), *(row[place].plain for row in rows)))
        for place, name in enumerate(columns)
    ]


def _upright(answer: Answer) -> Table:
    table = _empty_table(show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in zip(answer.columns, answer.rows[0], strict=True):
        table.add_row(_words(name), _safe(value))
    return table


def _over_time(answer: Answer, numeric: Sequence[bool], marks: Marks) -> Table:
    """Return one line for each group of rows: its times side by side, and its sums."""
    chart = lines_over_time(answer, numeric, cells=marks.spark_cells)
    table = _empty_table()
    for name in chart.labels:
        table.add_column(_words(name), overflow="fold")
    table.add_column(chart.time, no_wrap=True)
    for name in chart.sums:
        table.add_column(_words(name), justify="right")
    for labels, values, sums in chart.lines:
        table.add_row(*map(_safe, labels), Text(marks.sparkline(values), style="cyan"), *map(_safe, sums))
    return table


def _bars(answer: Answer, numeric: Sequence[bool], marks: Marks) -> Sequence[str]:
    """Return a bar for each row, by the first column that measures; none where all rows measure the same."""
    for place, name in enumerate(answer.columns):
        if numeric[place] and name not in _NOT_MEASURES:
            values = [float(row[place] or 0) for row in answer.rows]
            return [marks.bar(value, max(values)) for value in values] if len(set(values)) > 1 else ()
    return ()


def _empty_table(*, show_header: bool = True) -> Table:
    return Table(
        box=None, pad_edge=False, header_style="dim", padding=(0, _GAP, 0, 0), show_header=show_header
    )


def _words(name: str) -> Text:
    """Return a column's name so that it can be broken into lines."""
    return Text(name.replace("_", " "))


def _safe(value: Value) -> Text:
    """Return a value that can neither control the terminal nor be taken for markup."""
    text = "" if value is None else str(value)
    return Text("".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text))
