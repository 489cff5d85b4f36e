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

from sentry_filters.audit.queries import Value
from sentry_filters.audit.reader import Answer
from sentry_filters.cli.marks import Marks
from sentry_filters.cli.text_charts import TIMES, timelines

__all__ = ["show"]

_PLAIN_WIDTH = 200
_MOST_ROWS = 20
_INDENT = 2
_GAP = 2
_NO_MEASURES = frozenset({"http_status", "confirmed", "handled", "renewed", "seconds_to_renewal"})
"""Columns of numbers that no bar can show."""


def show(ledger: str, since: str | None, answers: Sequence[Answer]) -> None:
    """Print answers to standard output: in colour and as wide as the terminal, plain where there is none."""
    # A cron job's locale may know no blocks: what it cannot write is replaced, not an error.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(highlight=False, width=_PLAIN_WIDTH)
    marks = Marks.for_encoding(console.encoding)
    console.print(_safe(f"{ledger}, {'all of it' if since is None else f'since {since}'}"), style="dim")
    for answer in answers:
        console.print()
        console.print(_drawn(console, answer, marks))
    if any(answer.holds is not None for answer in answers):
        console.print()
        console.print(_summary(answers, marks))


def _drawn(console: Console, answer: Answer, marks: Marks) -> RenderableType:
    question = answer.query.question
    if answer.holds is None:
        head = Text(question, style="bold")
    elif answer.holds:
        head = Text.assemble((f"{marks.good} ", "green"), question)
    else:
        head = Text(f"{marks.bad} {question}", style="bold red")
    parts: list[RenderableType] = [head]
    if answer.holds is False:
        parts.append(Padding(Text(f"Bad: {answer.query.bad}", style="red"), (0, 0, 0, _INDENT)))
    if answer.rows:
        parts.append(Padding(_table(console, answer, marks), (0, 0, 0, _INDENT), expand=False))
    elif answer.holds is None:
        parts.append(Padding(Text("nothing", style="dim"), (0, 0, 0, _INDENT)))
    return Group(*parts)


def _summary(answers: Sequence[Answer], marks: Marks) -> Text:
    broken = [answer.query.name for answer in answers if answer.holds is False]
    stated = sum(answer.holds is not None for answer in answers)
    if broken:
        said = f"{marks.bad} {len(broken)} of {stated} invariants broken: {', '.join(broken)}"
        return Text(said, style="bold red")
    return Text(f"{marks.good} {stated} of {stated} invariants hold", style="green")


def _table(console: Console, answer: Answer, marks: Marks) -> Table:
    numeric = [
        all(isinstance(row[place], int | float) for row in answer.rows)
        for place in range(len(answer.columns))
    ]
    if answer.columns[0] in TIMES:
        return _over_time(answer, numeric, marks)
    if len(answer.rows) == 1 and all(numeric):
        return _upright(answer)
    rows = [[_safe(value) for value in row] for row in answer.rows[:_MOST_ROWS]]
    least = [
        max(len(text) for text in (*name.split("_"), *(row[place].plain for row in rows)))
        for place, name in enumerate(answer.columns)
    ]
    free = console.width - _INDENT - sum(width + _GAP for width in least)
    table = _empty_table()
    for place, name in enumerate(answer.columns):
        justify: Literal["left", "right"] = "right" if numeric[place] else "left"
        # Where there is no room for all, values are folded, never cut.
        table.add_column(
            _words(name), justify=justify, overflow="fold", min_width=least[place] if free >= 0 else None
        )
    bars = _bars(answer, numeric, marks) if free >= marks.bar_cells else ()
    if bars:
        table.add_column("", no_wrap=True, min_width=marks.bar_cells)
    for number, cells in enumerate(rows):
        table.add_row(*cells, *([Text(bars[number], style="cyan")] if bars else []))
    if len(answer.rows) > _MOST_ROWS:
        table.caption = f"and {len(answer.rows) - _MOST_ROWS} more; --json has all rows"
        table.caption_justify = "left"
    return table


def _upright(answer: Answer) -> Table:
    table = _empty_table(show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in zip(answer.columns, answer.rows[0], strict=True):
        table.add_row(_words(name), _safe(value))
    return table


def _over_time(answer: Answer, numeric: Sequence[bool], marks: Marks) -> Table:
    """Return one line for each group of rows: its times side by side, and its sums."""
    found = timelines(answer.columns, answer.rows, numeric, cells=marks.spark_cells)
    table = _empty_table()
    for name in found.labels:
        table.add_column(_words(name), overflow="fold")
    table.add_column(f"{found.first} to {found.last}", no_wrap=True)
    for name in found.sums:
        table.add_column(_words(name), justify="right")
    for line in found.lines:
        spark = Text(marks.sparkline(line.values), style="cyan")
        table.add_row(*map(_safe, line.labels), spark, *map(_safe, line.sums))
    return table


def _bars(answer: Answer, numeric: Sequence[bool], marks: Marks) -> Sequence[str]:
    """Return a bar for each row, by the first column that measures; none where it is the same everywhere."""
    for place, name in enumerate(answer.columns):
        if numeric[place] and name not in _NO_MEASURES:
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
    """Return a value that can neither steer the terminal nor be taken for markup."""
    text = "" if value is None else str(value)
    return Text("".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text))
