"""What docs/audit.md says, done as it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from sentry_filters.audit.queries import load_queries
from sentry_filters.cli import main
from tests.audit.by_hand import HandWritten, decision, sqlite_with

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/audit.md").read_text(encoding="utf-8")


def snippet(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    return str(found)


def write(path: Path, *rows: HandWritten) -> None:
    with closing(sqlite_with(rows)) as source, closing(connect(path)) as file:
        source.backup(file)


def test_the_page_names_every_question_and_what_holds() -> None:
    stated = dict(re.findall(r"^\| `(\w+)`: .* \| (no rows|`\w+ = 0`)", PAGE, flags=re.MULTILINE))

    assert stated == {
        query.name: query.holds if query.holds == "no rows" else f"`{query.holds}`"
        for query in load_queries()
        if query.holds is not None
    }
    assert [query.name for query in load_queries() if f"`{query.name}`" not in PAGE] == []


def test_the_json_on_the_page_has_the_shape_of_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "ledger.db")
    main(["audit", str(tmp_path / "ledger.db"), "--query", "reconciliation", "--json"])

    stated, printed = json.loads(snippet("json")), json.loads(capsys.readouterr().out)

    assert [*stated] == [*printed]
    [example], [answer] = stated["queries"], printed["queries"]
    assert {**example, "rows": []} == {**answer, "rows": []}


def test_a_question_of_ones_own_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "ledger.db", decision())
    monkeypatch.chdir(tmp_path)

    exec(compile(snippet("python"), "audit.md", "exec"), {"__name__": "page"})

    assert capsys.readouterr().out == "(('api.example.ai', 1),)\n"


@pytest.mark.parametrize(
    ("rows", "mailed"),
    [
        pytest.param([], "", id="all holds"),
        pytest.param([decision(expiry=None)], "✗ Nothing was dropped", id="broken"),
    ],
)
def test_the_cron_line_prints_only_what_is_wrong(
    tmp_path: Path, rows: list[HandWritten], mailed: str
) -> None:
    path = tmp_path / "ledger.db"
    write(path, *rows)
    line = snippet("cron")
    assert line in (ROOT / "docs/how-to/see-what-it-silenced.md").read_text(encoding="utf-8")
    minute, hour, day, month, weekday, shell = line.strip().split(maxsplit=5)
    assert (minute, {hour, day, month, weekday}) == ("17", {"*"})
    shell = shell.replace("/var/lib/chat/ledger.db", str(path)).replace("--since 2h", "--since all")
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    ran = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True, env=environ)

    assert ran.stdout.count(mailed) >= 1
    assert bool(ran.stdout) == bool(rows)


@pytest.mark.parametrize("command", ["audit", "dashboard"])
def test_the_page_names_every_option(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])

    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert {option for option in options if option not in PAGE} == set()
