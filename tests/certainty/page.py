"""The table of `docs/certainty.md`: made from what was seen, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.certainty.deployment import Seen
from tests.certainty.life import LIFE
from tests.certainty.rows import MODES, SET_UPS, Cell, Row, SetUp
from tests.certainty.surroundings import SURROUNDINGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "certainty.md"
ROWS = (*LIFE, *SURROUNDINGS)
CELLS = tuple(Cell(row=row, set_up=set_up, mode=mode) for row in ROWS for set_up in SET_UPS for mode in MODES)

_BLOCK = re.compile(r"(<!-- certainty -->\n).*?(\n<!-- /certainty -->)", re.DOTALL)
_HEADS = ("what happens", "what is due", "reason", "Sentry", "OpenTelemetry", "both", "Redis, 8 processes")


def seen_text(cell: Cell, seen: Seen) -> str:
    """Return what the table says of a cell in which this was seen."""
    return _text(
        cell,
        published=sum(report.published for report in seen.reports),
        is_open=all(report.is_open for report in seen.reports),
        events=len(seen.events),
        traces=sum(report.failed_traces for report in seen.reports),
    )


def due_text(cell: Cell) -> str:
    """Return what the table says of a cell in which what is due was seen."""
    due = cell.row.due
    return _text(cell, published=due.published, is_open=due.is_open, events=cell.events, traces=cell.traces)


def rendered(page: str, texts: Mapping[str, str]) -> str:
    """Return the page with the table of these texts.

    Args:
        page: The page as it is.
        texts: What is said of each of `CELLS`, by its name.
    """
    table = "\n".join(_lines(texts))
    return _BLOCK.sub(lambda block: f"{block[1]}{table}{block[2]}", page)


def _lines(texts: Mapping[str, str]) -> Iterator[str]:
    yield _line(_HEADS)
    yield _line(["---"] * len(_HEADS))
    for row in ROWS:
        cells = [_both_modes(row, set_up, texts) for set_up in SET_UPS]
        yield _line([row.life, row.rule, _reasons(row), *cells])


def _line(columns: Iterable[str]) -> str:
    return f"| {' | '.join(columns)} |"


def _both_modes(row: Row, set_up: SetUp, texts: Mapping[str, str]) -> str:
    by_mode = {mode: texts[Cell(row=row, set_up=set_up, mode=mode).name] for mode in MODES}
    if len(set(by_mode.values())) == 1:
        return by_mode[MODES[0]]
    return "; ".join(f"{mode}: {text}" for mode, text in by_mode.items())


def _reasons(row: Row) -> str:
    return ", ".join(f"`{reason}`" for reason in sorted(row.due.reasons | (row.due.span_reasons or set())))


def _text(cell: Cell, *, published: int, is_open: bool, events: int, traces: int) -> str:
    parts = [_number(published, "expiry", "expiries"), "open" if is_open else "closed"]
    if cell.has_sentry:
        parts.append(_number(events, "event", "events"))
    if cell.has_spans:
        parts.append(_number(traces, "trace", "traces"))
    return ", ".join(parts)


def _number(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
