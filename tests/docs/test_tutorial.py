"""docs/tutorial.md: its snippets are one program, which prints what the page says that it prints."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sentry_filters.cli import main
from tests.docs.pages import DOCS, ROOT, snippets

PAGE = DOCS / "tutorial.md"


def test_the_tutorial_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # In a process of its own, whose providers and client are nobody else's afterwards.
    program = "\n".join((*snippets(PAGE, "python"), "provider.shutdown()"))
    path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout == "".join(snippets(PAGE, "text")), ran.stderr
    [audit] = re.findall(r"^sentry-filters (audit .*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert main([*shlex.split(audit), "--json"]) == 0
    assert '"holds": true' in capsys.readouterr().out
