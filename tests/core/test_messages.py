"""Whoever reads a WARNING in an application's log is told whose it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sentry_filters
from sentry_filters import otel

ROOMS = (Path(sentry_filters.__file__).parent, Path(otel.__path__[0]))
NOT_OURS = {"demo", "testing"}
"""They log what an application would."""
OF_THE_APPLICATION = "the session has expired (domain="
"""What the application has to act on."""
ERRORS = ("critical", "error", "exception")


Logged = list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def logged() -> Logged:
    return list(found())


def found() -> Iterator[tuple[str, str, str]]:
    """Yield where, at which level, and what is logged, also by what logs its first message only."""
    for file in (file for room in ROOMS for file in room.rglob("*.py") if NOT_OURS.isdisjoint(file.parts)):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr=level), args=[ast.Constant(str(message)), *_]) if (
                    level in ("warning", *ERRORS) or level.startswith("_warn")
                ):
                    yield f"{file.name}:{node.lineno}", level, message


def test_every_warning_says_whose_it_is(logged: Logged) -> None:
    messages = {place: message for place, _, message in logged}

    assert len(messages) > 12
    ours = ("sentry-filters: ", OF_THE_APPLICATION)
    assert {place: said for place, said in messages.items() if not said.startswith(ours)} == {}


def test_nothing_is_logged_at_error(logged: Logged) -> None:
    """It would be an event of its own in Sentry, and come back to the hooks."""
    assert [place for place, level, _ in logged if level in ERRORS] == []
