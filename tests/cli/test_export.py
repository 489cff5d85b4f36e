"""`sentry-filters export`, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sentry_filters.cli import main

TABLE = '[tool.sentry_filters]\nprovider = "OpenHuman"\nhosts = ["api.example.ai"]\n'


def _run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SENTRY_FILTERS_")}
    return subprocess.run(
        [sys.executable, "-m", "sentry_filters", "export", *arguments],
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def policy(tmp_path: Path) -> str:
    file = tmp_path / "pyproject.toml"
    file.write_text(TABLE)
    return str(file)


def test_a_collectors_configuration_goes_to_standard_output(policy: str) -> None:
    ran = _run("collector", "--policy", policy)

    assert ran.returncode == 0
    assert "filter/session_expired" in yaml.safe_load(ran.stdout)["processors"]
    assert ran.stdout.startswith("# The policy of 'OpenHuman'")


def test_one_of_several_backends_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pyproject.toml"
    tables = (f'[[tool.sentry_filters.backends]]\nprovider = "{name}"\n' for name in ("Alpha", "Beta"))
    file.write_text("".join(tables))
    several = ["export", "collector", "--policy", str(file)]

    assert main([*several, "--provider", "Beta"]) == 0
    assert capsys.readouterr().out.startswith("# The policy of 'Beta'")
    for named in ([], ["--provider", "Gamma"]):
        assert main([*several, *named]) == 2
        assert "expected 'Alpha' or 'Beta'" in capsys.readouterr().err


def test_the_environment_is_read_without_a_file() -> None:
    ran = _run("relay", SENTRY_FILTERS_PROVIDER="OpenHuman", SENTRY_FILTERS_SECRET_KEYS="badge_number")

    assert ran.returncode == 0
    assert "badge" in json.loads(ran.stdout)["rules"]["sentry-filters-00-keys"]["keyPattern"]


@pytest.mark.parametrize("target", ["collector", "inbound", "relay"])
def test_what_the_target_cannot_say_goes_to_standard_error(
    target: str, policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"

    assert main(["export", target, "--policy", policy, "-o", str(output)]) == 0

    printed = capsys.readouterr()
    assert printed.out == ""
    assert output.read_text("utf-8")
    assert all(line.startswith("note: ") for line in printed.err.splitlines())
    assert "SessionExpired" in printed.err


def test_the_same_policy_gives_the_same_bytes(policy: str) -> None:
    first, second = (_run("collector", "--policy", policy, PYTHONHASHSEED=seed).stdout for seed in "12")

    assert first == second


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(None, "No such file", id="no file"),
        pytest.param("x = ", "not a TOML file", id="no TOML"),
        pytest.param("[tool]\n", "expected a table", id="no table"),
        pytest.param("[tool.sentry_filters]\n", "provider", id="no provider"),
        pytest.param(TABLE + 'secret_kinds = [{name = "a", pattern = "("}]\n', "kind 'a'", id="faulty kind"),
    ],
)
def test_a_faulty_policy_is_an_error_of_one_line(text: str | None, told: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    if text is not None:
        file.write_text(text)

    ran = _run("relay", "--policy", str(file))

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("sentry-filters export: ")
    assert told in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_place_that_cannot_be_written_is_an_error_of_one_line(policy: str, tmp_path: Path) -> None:
    ran = _run("inbound", "--policy", policy, "-o", str(tmp_path / "absent" / "out"))

    assert ran.returncode == 1
    assert ran.stderr.startswith("sentry-filters export: ")
    assert ran.stderr.count("\n") == 1


def test_an_unknown_target_is_a_wrong_call() -> None:
    assert _run("bogus").returncode == 2
