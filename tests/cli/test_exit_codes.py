"""The table of exit codes in docs/command-line.md, held against the commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest

from sentry_filters.cli import main
from sentry_filters.demo import Comparison
from tests.audit.by_hand import decision, sqlite_with
from tests.conftest import InitSentry
from tests.demo.test_demo import AUDIT, FILTERED, WITHOUT

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
POLICY = '[tool.sentry_filters]\nprovider = "OpenHuman"\nhosts = ["api.example.ai"]\n'
APPLICATION = """\
import sentry_sdk
from sentry_filters import Policy, SessionGuard

guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), print)


def guarded():
    sentry_sdk.init(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1"))
    return guard


def bare():
    sentry_sdk.init(dsn="http://a@127.0.0.1:1/1")
    return guard
"""


@dataclass
class Case:
    """A command's arguments, and what has to be so for it."""

    arguments: tuple[str, ...]
    given: Callable[[pytest.MonkeyPatch], object] = bool


def case(*arguments: str) -> Case:
    return Case(arguments)


def showing(comparison: Comparison) -> Case:
    """The demo with these figures: it takes seconds, and tests/demo runs it."""

    def compared(*_: object, **__: object) -> Comparison:
        return comparison

    return Case(("demo", "--json"), lambda patch: patch.setattr("sentry_filters.cli.demo.compared", compared))


CASES = {
    ("demo", 0): showing(Comparison(WITHOUT, FILTERED, AUDIT)),
    ("demo", 1): showing(Comparison(WITHOUT, replace(FILTERED, secrets=1), AUDIT)),
    ("demo", 2): case("demo", "--ledger", "policy.toml"),
    ("check", 0): case("check", "an_application:guarded"),
    ("check", 1): case("check", "an_application:bare"),
    ("check", 2): case("check", "an_application:nothing"),
    ("explain", 0): case("explain", "--policy", "policy.toml", "event.json"),
    ("explain", 2): case("explain", "--policy", "policy.toml", "policy.toml"),
    ("audit", 0): case("audit", "--json", "clean.db"),
    ("audit", 1): case("audit", "--json", "--since", "all", "broken.db"),
    ("audit", 2): case("audit", "event.json"),
    ("dashboard", 2): case("dashboard", "event.json", "--no-browser"),
    ("preview", 0): case("preview", "--policy", "policy.toml", "event.json"),
    ("preview", 2): case("preview", "--policy", "event.json", "event.json"),
    ("redact", 0): case("redact", "event.json"),
    ("redact", 1): case("redact", "withheld.txt"),
    ("redact", 2): case("redact", "nothing.txt"),
    ("export", 0): case("export", "relay", "--policy", "policy.toml"),
    ("export", 1): case("export", "relay", "--policy", "policy.toml", "--output", "absent/out"),
    ("export", 2): case("export", "relay", "--policy", "event.json"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentry: InitSentry) -> Iterator[Path]:
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "event.json").write_text('{"message": "fine"}\n')
    (tmp_path / "withheld.txt").write_text("password='x " * 5_000)  # too much to inspect
    (tmp_path / "an_application.py").write_text(APPLICATION)
    for name, rows in {"clean.db": [], "broken.db": [decision(expiry=None)]}.items():
        with closing(sqlite_with(rows)) as source, closing(connect(tmp_path / name)) as file:
            source.backup(file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("an_application", None)


def stated() -> set[tuple[str, int]]:
    """Which codes of which commands the table has."""
    [table] = re.findall(r"## Exit codes\n\n((?:\|.*\n)+)", PAGE)
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
    header, _, *commands = rows
    assert header == ["command", "0", "1", "2"]
    return {
        (command.strip("`"), code)
        for command, *meanings in commands
        for code, meaning in enumerate(meanings)
        if meaning != "–"
    }


def test_the_table_has_every_code_that_a_case_shows() -> None:
    assert stated() == {
        *CASES,
        ("dashboard", 0),
    }  # that one is shown where it is served, in test_dashboard.py


@pytest.mark.promise("audit-exit-code")
@pytest.mark.parametrize("expected", CASES, ids=lambda expected: f"{expected[0]} {expected[1]}")
def test_a_command_ends_as_the_table_says(
    expected: tuple[str, int],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    CASES[expected].given(monkeypatch)
    if expected[0] == "check":  # it looks at all clients of its process, those of earlier tests among them
        command = [sys.executable, "-m", "sentry_filters", *CASES[expected].arguments]
        path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
        ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
    else:
        ended = main(CASES[expected].arguments)

    assert ended == expected[1]
    said = capfd.readouterr().err
    if expected[1] == 2:
        assert said.splitlines()[-1].startswith(f"sentry-filters {expected[0]}: ")


@pytest.mark.parametrize("command", sorted({command for command, _ in CASES}))
def test_a_usage_error_is_2(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--unknown"])

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"usage: sentry-filters {command}")


def test_ctrl_c_is_130(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        @property
        def buffer(self) -> Any:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())

    assert main(["explain", "--policy", "policy.toml"]) == 130


def test_the_page_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    offered = set(re.findall(r"^    (\w+)\b", capsys.readouterr().out, flags=re.MULTILINE)) - {"COMMAND"}
    assert offered == {command for command, _ in CASES}
    assert offered == set(re.findall(r"^\| `sentry-filters (\w+)", PAGE, flags=re.MULTILINE))
