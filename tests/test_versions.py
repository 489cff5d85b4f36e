"""The documents' table of versions: what was run, and that it is what `pyproject.toml` allows."""

from __future__ import annotations

import os
import tomllib
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.versions import NEXT, PYTHONS, Run, interpreter, markdown, read

CHECKOUT = Path(__file__).resolve().parents[1]
RUNS = read(CHECKOUT / "docs" / "versions.json")
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))


def test_the_documents_show_the_runs_that_were_kept() -> None:
    assert markdown(RUNS) in (CHECKOUT / "docs" / "proof.md").read_text("utf-8")


def test_both_ends_were_run_on_every_python_that_is_supported() -> None:
    stated = [one.rpartition(" ")[2] for one in PROJECT["project"]["classifiers"] if ":: Python :: 3." in one]

    assert tuple(stated) == PYTHONS
    assert PROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"
    kept = [(run.python.rpartition(".")[0], run.dependencies) for run in RUNS]
    assert kept[: 2 * len(PYTHONS)] == [*product(PYTHONS, ("lowest", "newest"))]
    assert kept[2 * len(PYTHONS) :] == [], f"{NEXT} has been run: support it"


def test_a_python_is_one_that_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim, real = tmp_path / "python3.2", tmp_path / "python3.11"
    shim.write_text("#!/bin/sh\nexit 127\n")
    real.write_text("#!/bin/sh\necho Python 3.11.0\n")
    for command in (shim, real):
        command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    assert interpreter("3.11") == str(real)
    assert interpreter("3.2") is None  # a version manager's, without its Python


@pytest.mark.parametrize(
    "run", [run for run in RUNS if run.dependencies == "lowest"], ids=lambda run: run.python
)
def test_the_lowest_versions_that_are_allowed_were_run(run: Run) -> None:
    required = [
        Requirement(one)
        for one in (*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["test"])
    ]
    lowest = {
        one.name: Version(spec.version) for one in required for spec in one.specifier if spec.operator == ">="
    }
    shown = {name: Version(version) for name, version in run.versions.items()}

    assert shown.keys() <= lowest.keys()
    assert shown == {name: lowest[name] for name in shown}
