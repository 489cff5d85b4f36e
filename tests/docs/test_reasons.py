"""docs/kept.md explains every reason that a decision can have, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sentry_filters
from sentry_filters import Policy, SessionGuard, otel
from sentry_filters.core import REFUSED_BY_GATE
from tests.docs.pages import DOCS, snippets

PAGE = DOCS / "kept.md"
PACKAGE = Path(sentry_filters.__file__).parent
ROOMS = (PACKAGE / "core", PACKAGE / "sentry", Path(otel.__path__[0]))
CODE = re.compile(r"[a-z]+(_[a-z]+)*")
GIVE_REASONS = {  # as which argument, where it has no name
    "Step": slice(3, 4),
    "Verdict": slice(1, 2),
    "_keep": slice(0, 1),
    "_note": slice(2, 3),
    "note": slice(2, 3),
}
ANSWER_WITH_REASONS = ("_doubt", "_tag", "doubt", "tag")


def reasons_of(tree: ast.Module) -> Iterator[str]:
    """Yield the reasons that a module gives: arguments of what makes verdicts, and answers of what doubts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.FunctionDef) and node.name in ANSWER_WITH_REASONS:
            returned = [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value]
            parts = [part for value in returned for part in getattr(value, "elts", [value])]
            yield from (text for part in parts for text in _texts(part))


def _of_call(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name not in GIVE_REASONS:
        return
    given = [one.value for one in node.keywords if one.arg == "reason"] + node.args[GIVE_REASONS[name]]
    yield from (text for value in given for text in _texts(value))


def _texts(value: ast.expr) -> Iterator[str]:
    branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    for branch in branches:
        if (
            isinstance(branch, ast.Constant)
            and isinstance(branch.value, str)
            and CODE.fullmatch(branch.value)
        ):
            yield branch.value


@pytest.mark.promise("reasons")
def test_every_reason_has_a_section() -> None:
    modules = [module for room in ROOMS for module in room.rglob("*.py")]
    given = {reason for one in modules for reason in reasons_of(ast.parse(one.read_text("utf-8")))}
    sections = re.findall(r"^### `(\w+)`$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert len(given) > 20
    assert sorted(sections) == sorted(given | {REFUSED_BY_GATE})


def test_the_snippet_prints_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"), print)
    guard.report(ValueError("no"), operation="chat", provider="Other", status=401)
    names: dict[str, Any] = {"guard": guard}

    exec(compile(snippets(PAGE, "python")[0], str(PAGE), "exec"), names)
    guard.close()

    assert [capsys.readouterr().out] == snippets(PAGE, "text")
