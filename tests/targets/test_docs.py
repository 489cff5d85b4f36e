"""Every `sentry-filters export` of docs/how-to.md and of docs/export.md, run as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sentry_filters.cli import main
from sentry_filters.targets import inbound_patterns, relay_config
from tests.targets.conftest import POLICY
from tests.test_readme import snippets

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/how-to.md", "docs/export.md")
COMMANDS = [
    pytest.param(line, id=f"{page}: {line}")
    for page in PAGES
    for block in re.findall(r"```console\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
    if "sentry-filters export" in line
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_runs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [table] = snippets("toml")
    (tmp_path / "pyproject.toml").write_text(table)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)
    while "=" in words[0]:
        monkeypatch.setenv(*words.pop(0).split("=", 1))

    assert words.pop(0) == "sentry-filters"
    assert main(words) == 0
    written = (tmp_path / words[-1]).read_text("utf-8") if "-o" in words else capsys.readouterr().out
    assert "OpenHuman" in written or "sentry-filters-" in written


def test_both_pages_show_commands() -> None:
    assert len(COMMANDS) >= 6


def test_the_how_to_shows_patterns_of_the_policy() -> None:
    shown = snippets("text")[0].split("\n")

    assert set(filter(None, shown)) <= set(inbound_patterns(POLICY).text.splitlines())


def test_the_page_names_what_relay_cannot_reach() -> None:
    page = (ROOT / "docs/export.md").read_text("utf-8")
    remarks = " ".join(relay_config(POLICY).remarks)

    for field in (
        "transaction",
        "fingerprint",
        "modules",
        "exception type",
        "breadcrumb category",
        "span op",
    ):
        assert field in remarks
        assert field in page.replace("\n", " ")
