"""What holds the house together: rooms, faces, directions, sizes, and no state between them.

The rules are in `tests/architecture/`; `tests/architecture/test_rules.py` shows each of them fail.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from radon.complexity import cc_visit

import sentry_filters
from sentry_filters import Policy, SessionGuard
from tests.architecture.reading import House
from tests.architecture.rules import RULES, Rule
from tests.architecture.state import is_constant

ROOT = Path(__file__).resolve().parents[1]
HOUSE = House(ROOT)
OPTIONAL = {
    "aiohttp", "apscheduler", "arq", "celery", "datasette", "django", "fastapi", "flask", "httpx", "httpx2",
    "opentelemetry", "otel", "pytest", "redis", "requests", "rich", "sqlite3", "starlette", "structlog",
    "uvicorn",
}  # fmt: skip
PLUMBING = {"call_of", "decide", "failures_of", "fault", "note", "observe", "part", "response_of"}
MOST_COMPLEX = 10
MORE_COMPLEX_ONES = 15


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_obeys(rule: Rule) -> None:
    broken = rule(HOUSE)

    assert broken == [], "\n".join(broken)


def test_no_imported_module_holds_what_can_be_changed() -> None:
    names = [name for name in HOUSE.modules if name != "sentry_filters.forking"]
    command = [sys.executable, "-m", "tests.architecture.held", *names]

    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)

    assert [
        (module, name, kind)
        for module, name, kind, annotation in json.loads(done.stdout)
        if name not in HOUSE.modules[module].taken and not is_constant(annotation)
    ] == []


def test_import_loads_no_optional_library() -> None:
    code = "import sys, sentry_filters; print(*sorted({name.split('.')[0] for name in sys.modules}))"

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert OPTIONAL.isdisjoint(loaded.stdout.split())


def test_the_public_names_are_there() -> None:
    exported = sentry_filters.__all__

    assert {
        "EventBus", "Failure", "Ledger", "Policy", "Redactor", "SchedulerGate", "SessionExpired",
        "SessionExpiredError", "SessionGuard", "Verdict", "recognise",
    } <= set(exported)  # fmt: skip
    assert all(hasattr(sentry_filters, name) for name in exported)


def test_the_guard_offers_what_applications_use() -> None:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}))
    try:
        public = {name for name in dir(guard) if not name.startswith("_")}
    finally:
        guard.close()

    assert public & PLUMBING == set()
    assert len(public) <= 20


def test_few_functions_are_complex() -> None:
    complex_ones = [
        f"{HOUSE.place(module, block.lineno)}: {block.name} ({block.complexity})"
        for module in HOUSE
        for block in cc_visit(module.path.read_text(encoding="utf-8"))
        if block.letter in "FM" and block.complexity > MOST_COMPLEX
    ]

    assert len(complex_ones) <= MORE_COMPLEX_ONES, "\n".join(complex_ones)


def test_both_packages_are_typed() -> None:
    assert (ROOT / "sentry_filters" / "py.typed").exists()
    assert (ROOT / "otel" / "py.typed").exists()
