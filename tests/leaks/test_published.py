"""The list of published leaks: each has a test here, and a row in the document."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.leaks.published import LEAKS
from tests.leaks.shown import SHOWN

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "leaks.md"


def _tested() -> set[str]:
    """The names of the cases in the tables of this folder, and of its tests, as leaks are called."""
    names: set[str] = set()
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Dict):
                keys = (key.value for key in node.keys if isinstance(key, ast.Constant))
                names |= {key for key in keys if isinstance(key, str)}
            elif isinstance(node, ast.FunctionDef):
                names.add(node.name.removeprefix("test_").replace("_", "-"))
    return names


def test_each_has_a_test_of_its_own_name() -> None:
    names = [leak.name for leak in LEAKS]

    assert len(names) == len(set(names)) >= 15
    assert set(names) - _tested() == set()


def test_each_says_where_it_was_published() -> None:
    for leak in LEAKS:
        assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/(?:issues|pull)/\d+", leak.address), leak
        assert 2024 <= leak.year <= 2026, leak


def test_the_proof_counts_them() -> None:
    proof = PAGE.with_name("proof.md").read_text("utf-8").replace("\n", " ")

    assert f"{len(LEAKS)} leaks that were published" in proof
    assert f"and {len(SHOWN)} of them on the code of the package" in proof


def test_what_is_shown_needs_nothing_of_ours() -> None:
    code = "import sys, tests.leaks.shown; print(*sorted({name.partition('.')[0] for name in sys.modules}))"

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE.parents[1]
    )

    assert {"otel", "sentry_filters", "sentry_sdk"}.isdisjoint(loaded.stdout.split())


def test_each_has_a_row_in_the_document() -> None:
    page = PAGE.read_text("utf-8")

    assert [leak.name for leak in LEAKS if f"`{leak.name}`" not in page or leak.address not in page] == []
