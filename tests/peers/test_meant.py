"""The table of meant differences: each has a reason, a document, and patterns that can go stale."""

from __future__ import annotations

import re

import pytest

from tests.peers.environments import CHECKOUT
from tests.peers.meant import MEANT, Meant, matches, stale
from tests.peers.page import BEGIN, END, HEADS, kept, reasons, rows_without
from tests.peers.suites import SUITES

PAGE = CHECKOUT / "docs" / "peers.md"
NAMES = [suite.name for suite in SUITES]
ROW = Meant(
    why="Every cookie's value goes.",
    where="docs/redaction.md",
    suites=("web", "django"),
    tests=("tests.test_flask::test_cookies[*]", "tests.test_django::*"),
)


def test_each_row_has_a_reason_a_document_suites_and_tests() -> None:
    assert [row.why for row in MEANT if not re.fullmatch(r"[A-Z`].{20,}\.", row.why, re.DOTALL)] == []
    assert [row.where for row in MEANT if not (CHECKOUT / row.where).is_file()] == []
    assert [row.suites for row in MEANT if not row.suites or not set(row.suites) <= set(NAMES)] == []


def test_each_pattern_names_a_module_of_tests_and_is_there_once() -> None:
    patterns = [pattern for row in MEANT for pattern in row.tests]

    assert all(row.tests for row in MEANT)
    assert [pattern for pattern in patterns if not re.match(r"[\w.]*test_\w+(\.\w+)?::\w", pattern)] == []
    assert len(patterns) == len(set(patterns))


@pytest.mark.parametrize(
    ("pattern", "test", "fits"),
    [
        pytest.param("m.test_a::test_b", "m.test_a::test_b", True, id="itself"),
        pytest.param("m.test_a::test_b", "m.test_a::test_b[1]", False, id="no parameters"),
        pytest.param("m.test_a::test_b[*]", "m.test_a::test_b[x-y]", True, id="any parameters"),
        pytest.param("m.test_a::test_b[1]", "m.test_a::test_b1", False, id="brackets are themselves"),
        pytest.param("m.test_a::*", "m_test_a::test_b", False, id="so are dots"),
    ],
)
def test_only_the_asterisk_stands_for_anything(pattern: str, test: str, fits: bool) -> None:
    assert matches(pattern, test) is fits


def test_a_row_is_for_its_suites() -> None:
    assert ROW.matches("web", "tests.test_flask::test_cookies[a]")
    assert not ROW.matches("core", "tests.test_flask::test_cookies[a]")


def test_a_pattern_that_nothing_matches_is_stale_once_its_suites_ran() -> None:
    seen = [("web", "tests.test_flask::test_cookies[a]"), ("core", "tests.test_django::test_a")]

    assert list(stale([ROW], seen, ["web", "django"])) == ["tests.test_django::*"]
    assert list(stale([ROW], seen, ["web"])) == []


def test_names_of_suites_are_unique() -> None:
    assert len(NAMES) == len(set(NAMES))


def test_the_page_has_all_suites_and_the_table_of_reasons() -> None:
    generated = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]

    assert [name for name in NAMES if f"| {name} |" not in generated] == []
    assert reasons(MEANT) in generated
    assert HEADS[0] in generated


def test_a_page_keeps_the_rows_of_suites_that_did_not_run() -> None:
    first, second = (rows_without(name, "no network") for name in NAMES[:2])
    page = kept(f"Before.\n{BEGIN}\n{END}\nAfter.\n", {NAMES[1]: second}, [ROW])

    page = kept(page, {NAMES[0]: first}, [ROW])

    others = [row for name in NAMES[2:] for row in rows_without(name, "not run yet")]
    tables = "\n".join((*HEADS, *first, *second, *others, "", reasons([ROW])))
    assert page == f"Before.\n{BEGIN}\n\n{tables}\n\n{END}\nAfter.\n"
