"""Every `sentry-filters export` of docs/how-to and of docs/export.md, run as it stands there."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sentry_filters.cli import main
from sentry_filters.targets import inbound_patterns, relay_config
from tests.docs.pages import HOW_TO, ROOT, snippets
from tests.targets.conftest import POLICY

PAGES = (*sorted(HOW_TO.glob("*.md")), ROOT / "docs/export.md")
COMMANDS = [
    pytest.param(line, id=f"{page.name}: {line}")
    for page in PAGES
    for block in snippets(page, "console")
    for line in block.splitlines()
    if "sentry-filters export" in line
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_runs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [table] = snippets(HOW_TO / "configure.md", "toml")
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
    [shown] = snippets(HOW_TO / "senders-without-the-filter.md", "text")

    assert set(shown.splitlines()) <= set(inbound_patterns(POLICY).text.splitlines())


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
