"""Who may import whom, what is exported, and how long a room may get."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sentry_filters

ROOT = Path(sentry_filters.__file__).parent
CORE = [
    "forking", "hosts", "body_codes", "fingerprint", "policy_sources", "policy", "failure", "wire_text",
    "causes", "recognition", "session", "work", "gate", "bus", "counters", "series", "memory", "labels",
    "records", "shared", "decision",
]  # fmt: skip
"""From the ground up: a module imports those before it only."""
SENTRY_EDGE = {
    "before_send", "boundary", "release", "report", "sentry_evidence", "sentry_meta", "sentry_options",
    "sentry_spans", "spotlight", "standalone", "tracing", "transport",
}  # fmt: skip
EDGES_MAY = {"sentry_sdk"}
SCHEDULERS = {"apscheduler": {"apscheduler"}, "arq": {"arq"}, "backoff": set(), "celery": {"celery"}}
"""Each adapter of the room and the one library that it may import."""


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their module"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def ours(imported: set[str]) -> set[str]:
    return {name.split(".")[1] for name in imported if name.startswith("sentry_filters.")}


def foreign(imported: set[str]) -> set[str]:
    tops = {name.split(".")[0] for name in imported}
    return tops - set(sys.stdlib_module_names) - {"sentry_filters", "__future__"}


@pytest.mark.parametrize("module", CORE)
def test_core_imports_downwards_and_knows_no_sdk(module: str) -> None:
    imported = imports_of(ROOT / f"{module}.py")

    assert foreign(imported) == set()
    assert ours(imported) <= set(CORE[: CORE.index(module)])


def test_http_edge_imports_the_core_only() -> None:
    imported = imports_of(ROOT / "http.py")

    assert foreign(imported) == set()
    assert ours(imported) <= set(CORE)


def test_redaction_imports_re2_only() -> None:
    for path in (ROOT / "redaction").rglob("*.py"):
        imported = imports_of(path)
        assert foreign(imported) <= {"re2"}, path
        assert ours(imported) <= {"redaction"}, path


def test_audit_imports_the_core_only() -> None:
    for path in (ROOT / "audit").rglob("*.py"):
        imported = imports_of(path)
        assert foreign(imported) == set(), path
        assert ours(imported) <= {*CORE, "audit"}, path


def test_the_redis_room_imports_the_core_and_redis_only() -> None:
    for path in (ROOT / "redis").glob("*.py"):
        imported = imports_of(path)
        assert foreign(imported) <= {"redis"}, path
        assert ours(imported) <= {*CORE, "redis"}, path


def test_only_the_package_itself_leads_to_the_redis_room() -> None:
    for path in ROOT.rglob("*.py"):
        if path.parent.name != "redis" and path != ROOT / "__init__.py":
            assert "redis" not in ours(imports_of(path)), path


def test_only_the_plugin_of_the_testing_tools_knows_pytest() -> None:
    for path in (ROOT / "testing").rglob("*.py"):
        allowed = {*EDGES_MAY, "pytest"} if path.stem == "plugin" else EDGES_MAY
        assert foreign(imports_of(path)) <= allowed, path


def test_no_room_leans_on_the_testing_tools() -> None:
    for path in (*ROOT.rglob("*.py"), *(ROOT.parent / "otel").rglob("*.py")):
        if not {"testing", "cli"} & set(path.parts):
            assert "testing" not in ours(imports_of(path)), path


@pytest.mark.parametrize("module", sorted(SENTRY_EDGE))
def test_sentry_edge_imports_core_redaction_and_sentry(module: str) -> None:
    imported = imports_of(ROOT / f"{module}.py")

    assert foreign(imported) <= EDGES_MAY
    assert ours(imported) <= {*CORE, *SENTRY_EDGE, "redaction"}


@pytest.mark.parametrize("module", sorted(SCHEDULERS))
def test_an_adapter_imports_the_core_and_its_own_library(module: str) -> None:
    imported = imports_of(ROOT / "schedulers" / f"{module}.py")

    assert foreign(imported) <= SCHEDULERS[module]
    assert ours(imported) <= {*CORE, "schedulers"}
    assert {name for name in imported if name.startswith("sentry_filters.schedulers")} <= {
        "sentry_filters.schedulers.backoff.Backoff"
    }


def test_every_adapter_has_its_library() -> None:
    assert {path.stem for path in (ROOT / "schedulers").glob("*.py")} == {"__init__", *SCHEDULERS}
    assert imports_of(ROOT / "schedulers" / "__init__.py") == set()


def test_targets_import_the_core_and_redaction_only() -> None:
    for path in (ROOT / "targets").rglob("*.py"):
        imported = imports_of(path)
        assert foreign(imported) == set(), path
        assert ours(imported) <= {*CORE, "redaction", "targets"}, path


def test_only_the_command_line_imports_targets() -> None:
    for path in ROOT.rglob("*.py"):
        if path.parent.name not in ("targets", "cli"):
            assert "targets" not in ours(imports_of(path)), path


def test_every_module_has_its_room() -> None:
    modules = {path.stem for path in ROOT.glob("*.py")} - {"__init__", "__main__"}

    assert modules == {*CORE, *SENTRY_EDGE, "http", "guard"}


def test_nothing_imports_otel() -> None:
    for path in ROOT.rglob("*.py"):
        assert not any(name.split(".")[0] in ("otel", "opentelemetry") for name in imports_of(path)), path


def test_import_loads_neither_opentelemetry_nor_http_clients() -> None:
    code = "import sys, sentry_filters; print(*sorted({name.split('.')[0] for name in sys.modules}))"

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert {"opentelemetry", "otel", "httpx", "httpx2", "redis", "sqlite3"}.isdisjoint(loaded)


def test_all_is_sorted_and_complete() -> None:
    exported = sentry_filters.__all__

    assert exported == sorted(exported)
    assert {
        "EventBus", "Failure", "Policy", "Redactor", "SchedulerGate", "SessionExpired", "SessionExpiredError",
        "SessionGuard", "Verdict", "recognise",
    } <= set(exported)  # fmt: skip
    assert all(hasattr(sentry_filters, name) for name in exported)


def test_rooms_stay_small() -> None:
    long = {
        str(path): lines
        for folder in (ROOT, ROOT.parent / "otel")
        for path in folder.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 310
    }

    assert long == {}


def test_both_packages_are_typed() -> None:
    assert (ROOT / "py.typed").exists()
    assert (ROOT.parent / "otel" / "py.typed").exists()
