"""The command itself: its version, what may have been meant, and a reader that has seen enough."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from sentry_filters import Ledger, Policy, SessionGuard
from sentry_filters.cli import main

COMMAND = (sys.executable, "-m", "sentry_filters")


def test_its_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"sentry-filters {version('sentry-filters')}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["audt"], "did you mean 'audit'?"),
        (["export", "colector"], "did you mean 'collector'?"),
        (["xyz"], "invalid choice: 'xyz'"),
        (["export", "relay", "--polcy=x"], "unrecognized arguments: --polcy=x, did you mean '--policy'?"),
        (["demo", "--jsn"], "did you mean '--json'?"),
        (["demo", "--xyz"], "unrecognized arguments: --xyz"),
    ],
)
def test_what_may_have_been_meant_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("mean") == said.count("mean")


def test_without_a_policy_export_says_how_to_give_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENTRY_FILTERS_PROVIDER", raising=False)

    assert main(["export", "relay"]) == 2

    said = capsys.readouterr().err
    assert "expected --policy FILE, or SENTRY_FILTERS_PROVIDER" in said


@pytest.mark.skipif(os.name != "posix", reason="on Windows a pipe whose reader has left is another error")
@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_a_reader_that_has_seen_enough_is_no_error(option: list[str], tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), print, audit=Ledger(path))
    guard.report(RuntimeError(), operation="chat_completions", provider="OpenHuman", status=401)
    guard.close()
    with subprocess.Popen(
        [*COMMAND, "audit", str(path), *option], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()  # as `| head -0` does
        said = running.stderr.read()

    assert (running.returncode, said) == (0, b"")
