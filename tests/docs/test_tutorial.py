"""docs/tutorial.md: its snippets are one program, which prints what the page says that it prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk

from sentry_filters.cli import main
from tests.docs.pages import DOCS, snippets

PAGE = DOCS / "tutorial.md"


def test_the_tutorial_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "app"}
    try:
        exec(compile("\n".join(snippets(PAGE, "python")), str(PAGE), "exec"), names)
        names["provider"].shutdown()
    finally:
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(None)

    assert capsys.readouterr().out == "".join(snippets(PAGE, "text"))
    [audit] = re.findall(r"^sentry-filters (audit .*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert main([*shlex.split(audit), "--json"]) == 0
    assert '"holds": true' in capsys.readouterr().out
