"""The table in the documents has exactly what the code has, and no cell is red without a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.frameworks.catalogue import FRAMEWORKS, SCENARIOS, SET_UPS
from tests.frameworks.pages import PAGES, snippet
from tests.frameworks.table import BAD, BEGIN, END, GOOD, REASONS, UNRECOGNISED, Cell, Pair
from tests.frameworks.test_served import SERVED

_FOLDER = Path(__file__).resolve().parents[2] / "docs/frameworks"
_PAGE = (_FOLDER / "README.md").read_text("utf-8")
GENERATED = _PAGE.partition(BEGIN)[2].partition(END)[0]
SECTIONS: dict[str, str] = dict(re.findall(r"^### (.+?)\n(.*?)(?=^### |^Reasons|\Z)", GENERATED, re.M | re.S))


def rows(section: str) -> list[list[str]]:
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_there_is_a_table_for_each_set_up() -> None:
    assert list(SECTIONS) == [set_up.name for set_up in SET_UPS]


@pytest.mark.parametrize("set_up", [one.name for one in SET_UPS])
def test_a_table_names_every_framework_and_scenario_and_nothing_is_red_without_a_reason(set_up: str) -> None:
    head, _, *table = rows(SECTIONS[set_up])
    missing = set(re.findall(r"^- Not installed: (.+?): ", GENERATED, re.M))

    assert head[1:] == list(SCENARIOS)
    assert [row[0] for row in table] == [one.name for one in FRAMEWORKS if one.name not in missing]
    for name, *cells in table:
        for scenario, cell in zip(SCENARIOS, cells, strict=True):
            mark = cell.partition(" ")[0]
            assert mark in (GOOD, UNRECOGNISED.get((name, set_up, scenario))), f"{name}, {scenario}: {cell}"


def test_every_reason_is_listed_and_needed() -> None:
    listed = dict(re.findall(r"^- (\w): (.+)\.$", GENERATED, re.M))

    assert listed == dict(REASONS)
    assert set(UNRECOGNISED.values()) == set(REASONS)
    assert BAD not in GENERATED


def test_every_page_is_linked_and_its_snippet_is_run() -> None:
    written = {page.stem for page in _FOLDER.glob("*.md")} - {"README"}

    assert written == {*PAGES, *SERVED}
    for name in written:
        assert f"({name}.md)" in _PAGE
        compile(snippet(name), name, "exec")


@pytest.mark.parametrize(
    ("scenario", "guarded", "plain", "good"),
    [
        ("ours", {"expired": 1}, {"other_events": 4}, True),
        ("ours", {"expired": 2}, {"other_events": 4}, False),
        ("ours", {"expired": 1, "other_spans": 1}, {"other_events": 4}, False),
        ("ours", {"fault": "died"}, {"other_events": 4}, False),
        ("third", {"events": 2}, {"events": 2}, True),
        ("third", {"events": 1}, {"events": 2}, False),
        ("third", {"events": 2, "expired": 1}, {"events": 2}, False),
        ("after", {"events": 2, "expired": 1}, {"events": 2, "other_events": 2}, True),
        ("after", {"events": 1, "expired": 1}, {"events": 2, "other_events": 2}, False),
        ("after", {"events": 2, "other_events": 1}, {"events": 2, "other_events": 2}, False),
    ],
)
def test_what_a_cell_is_due(
    scenario: str, guarded: dict[str, int], plain: dict[str, int], *, good: bool
) -> None:
    def cell(**counts: int) -> Cell:
        return Cell("x", "Sentry", scenario, False, **counts)  # type: ignore[arg-type]

    assert Pair(cell(**guarded), cell(**plain), cell(events=2)).is_good is good
