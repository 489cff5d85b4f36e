"""Every row, in every set-up, sync and async."""

from __future__ import annotations

from typing import Any

import pytest

from tests.certainty.page import CELLS, PAGE, ROWS, due_text, rendered, seen_text
from tests.certainty.rows import Cell, differences
from tests.certainty.telemetry import HAS_HTTP_SPANS


def _case(cell: Cell) -> Any:
    marks = [pytest.mark.integration] if cell.set_up == "redis" else []
    return pytest.param(cell, id=cell.name, marks=marks)


@pytest.mark.promise("all-evidence")
@pytest.mark.parametrize("cell", [_case(cell) for cell in CELLS])
def test_what_is_due_is_what_is_seen(cell: Cell, request: pytest.FixtureRequest) -> None:
    workers: Any = request.getfixturevalue("workers") if cell.set_up == "redis" else None

    seen = cell.run(workers)

    assert differences(cell, seen) == []
    if HAS_HTTP_SPANS or not cell.row.due.by_http_spans:
        assert seen_text(cell, seen) == due_text(cell)


def test_the_page_has_every_row_and_every_cell_and_says_what_is_seen() -> None:
    page = PAGE.read_text("utf-8")

    assert page == rendered(page, {cell.name: due_text(cell) for cell in CELLS})
    assert page.count("<!-- certainty -->") == 1
    assert len({row.life for row in ROWS}) == len(ROWS)


def test_a_cell_that_sees_something_else_is_found_out() -> None:
    cell = CELLS[0]
    seen = Cell(row=ROWS[1], set_up=cell.set_up, mode=cell.mode).run(None)

    assert differences(cell, seen) == ["the gate is open: {True}, where {False} is due"]
