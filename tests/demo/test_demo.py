"""The main job, as a user runs it: `sentry-filters demo`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import sentry_filters
from sentry_filters.cli import main
from sentry_filters.demo import Comparison, DemoError, Outcome, compared

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "sentry_filters", "demo")
FIGURES = {
    "Sentry events: the dead session": (352, 0),
    "Sentry events: a user's own rejected key": (20, 20),
    "Sentry events: a bug while handling the 401": (1, 1),
    "secrets in the bytes that Sentry received": (548, 0),
    "SessionExpired published": (0, 1),
    "LLM calls that worked after the sign-in": (8, 8),
}
"""What does not depend on how the threads take turns."""
WITHOUT = Outcome(373, 352, 20, 1, 548, 0, 0, 177, 8, "-", 2.0)
FILTERED = Outcome(21, 0, 20, 1, 0, 1, 168, 9, 8, "expired", 1.0)
AUDIT = {"exit_code": 0, "dropped": 16}


@pytest.mark.promise("demo")
@pytest.mark.integration
def test_the_demo_shows_what_it_promises_and_leaves_nothing_else_behind(tmp_path: Path) -> None:
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    (home / "httpx.py").write_text("raise RuntimeError('from the current folder')")
    environ = {
        **{name: value for name, value in os.environ.items() if "PROXY" not in name.upper()},
        "HTTP_PROXY": "http://127.0.0.1:1",  # nobody listens there: whoever asked it would fail
        "SENTRY_SPOTLIGHT": "http://127.0.0.1:1/stream",
        "PYTHONPATH": str(Path(sentry_filters.__file__).parents[1]),
        "TMPDIR": str(scratch),
    }

    done = subprocess.run(
        [sys.executable, "-P", *COMMAND[1:], "--ledger", "kept.db"],
        cwd=home,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "All numbers are what they must be." in done.stdout
    shown = {
        label: (int(without), int(filtered))
        for label, without, filtered in re.findall(r"^(\S.*\S) +(\d+) +(\d+)$", done.stdout, re.MULTILINE)
    }
    assert FIGURES.items() <= shown.items()
    assert shown["LLM calls made in vain"][0] == 177
    assert sum(figures[1] for label, figures in shown.items() if "vain" in label or "saved" in label) == 177
    assert "[REDACTED]" in done.stdout
    assert list(scratch.iterdir()) == []
    assert {path.name.partition("-")[0] for path in home.iterdir()} == {"httpx.py", "kept.db"}
    assert main(["audit", str(home / "kept.db"), "--json"]) == 0


def test_a_ledger_that_exists_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = tmp_path / "ledger.db"
    ledger.write_text("mine")

    assert main(["demo", "--ledger", str(ledger)]) == 2
    with pytest.raises(DemoError, match="expected a file that does not exist yet"):
        compared(ledger)

    assert ledger.read_text() == "mine"
    assert "sentry-filters demo: ledger: invalid value" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("comparison", "promise"),
    [
        (Comparison(WITHOUT, replace(FILTERED, session_events=1), AUDIT), "no event about the dead session"),
        (Comparison(WITHOUT, replace(FILTERED, secrets=1), AUDIT), "no secret leaves"),
        (Comparison(WITHOUT, replace(FILTERED, published=2), AUDIT), "exactly one SessionExpired"),
        (
            Comparison(WITHOUT, replace(FILTERED, bug_events=0), AUDIT),
            "the bug in the error handling arrives",
        ),
        (
            Comparison(WITHOUT, replace(FILTERED, third_party_events=19), AUDIT),
            "every third-party failure arrives",
        ),
        (Comparison(WITHOUT, replace(FILTERED, saved=0), AUDIT), "the gate saves calls"),
        (Comparison(WITHOUT, replace(FILTERED, after_sign_in=7), AUDIT), "work goes on after the sign-in"),
        (
            Comparison(WITHOUT, FILTERED, {**AUDIT, "exit_code": 1}),
            "the audit accounts for every silence",
        ),
    ],
)
def test_a_broken_promise_is_named(comparison: Comparison, promise: str) -> None:
    assert Comparison(WITHOUT, FILTERED, AUDIT).wrong == ()
    assert comparison.wrong == (promise,)


def test_make_demo_runs_the_command_with_what_the_wheel_needs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert "\n\t@$(DEMO)/bin/sentry-filters demo\n" in makefile
    assert "\nHOLDS_$(DEMO) := --editable .\n" in makefile
