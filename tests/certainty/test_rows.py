"""Every row, in every set-up, sync and async."""

from __future__ import annotations

from typing import Any

import pytest

from tests.certainty.life import LIFE
from tests.certainty.rows import MODES, SET_UPS, Cell, differences
from tests.certainty.surroundings import SURROUNDINGS

CELLS = [
    pytest.param(
        Cell(row=row, set_up=set_up, mode=mode),
        id=Cell(row=row, set_up=set_up, mode=mode).name,
        marks=[pytest.mark.integration] if set_up == "redis" else [],
    )
    for row in (*LIFE, *SURROUNDINGS)
    if row.story is not None
    for set_up in SET_UPS
    for mode in MODES
]


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_due_is_what_is_seen(cell: Cell, request: pytest.FixtureRequest) -> None:
    workers: Any = request.getfixturevalue("workers") if cell.set_up == "redis" else None
    assert differences(cell, cell.run(workers)) == []
