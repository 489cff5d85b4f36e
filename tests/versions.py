"""`python -m tests.versions [--keep FILE]`: the tests without servers, on every Python, old and new.

With the lowest dependencies that `pyproject.toml` allows, and with the newest ones.

`make versions` calls it. A Python that is not installed is left out, with a line that says so; if a test
fails, the exit status is 1 and nothing is kept. Those of uv count as installed: `uv python install 3.14`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

_CHECKOUT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
"""What is supported: pyproject.toml and CI state the same."""
NEXT = "3.14"
"""Run where it is installed; once its runs are kept, it moves to `PYTHONS`."""
LIBRARIES = ("sentry-sdk", "opentelemetry-sdk", "httpx", "httpx2", "openai", "anthropic", "redis")
_ASK = """
import json, sys
from importlib.metadata import version
print(json.dumps([version(name) for name in sys.argv[1:]]))
"""

Dependencies = Literal["lowest", "newest"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the tests.

    Args:
        python: Its version.
        dependencies: Which end of what `pyproject.toml` allows.
        versions: The installed versions of `LIBRARIES`.
        passed: How many tests passed.
        skipped: How many were skipped, since these versions lack what they test.
    """

    python: str
    dependencies: Dependencies
    versions: Mapping[str, str]
    passed: int
    skipped: int


def read(path: Path) -> list[Run]:
    """Return the runs that were kept in a file."""
    return [Run(**run) for run in json.loads(path.read_text())]


def markdown(runs: Iterable[Run]) -> str:
    """Return the table of docs/proof.md."""
    heads = ["Python", "", *LIBRARIES, "passed", "skipped"]
    rows = [heads, ["---"] * (len(heads) - 2) + ["--:"] * 2]
    for run in runs:
        installed = [run.versions[name] for name in LIBRARIES]
        rows.append([run.python, run.dependencies, *installed, f"{run.passed:,}", f"{run.skipped:,}"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _runs() -> Iterator[Run | None]:
    for python in (*PYTHONS, NEXT):
        command = interpreter(python)
        if command is None:
            _say(f"python{python} is not installed: left out")
            continue
        yield _run(python, command, "lowest")
        yield _run(python, command, "newest")


def interpreter(python: str) -> str | None:
    """Return the command of an installed Python, None where there is none; nothing is downloaded."""
    command = shutil.which(f"python{python}")
    # Ask it: a version manager's shim may be there without its Python.
    if (
        command is not None
        and not subprocess.run([command, "-V"], capture_output=True, check=False).returncode
    ):
        return command
    uv = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    if uv is None:
        return None
    find = [uv, "python", "find", "--no-python-downloads", "--no-project", "--system", python]
    found = subprocess.run(find, capture_output=True, text=True, check=False)
    return None if found.returncode else found.stdout.strip()


def _run(python: str, command: str, dependencies: Dependencies) -> Run | None:
    """Have make install what is needed and run its target; None if a test failed."""
    venv = f".venv-{python}-{dependencies}"
    variable, target = {"lowest": ("LOWEST", "lowest"), "newest": ("VENV", "quick")}[dependencies]
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        done = subprocess.run(
            ["make", f"PYTHON={command}", f"{variable}={venv}", target],
            env={**os.environ, "PYTEST_ADDOPTS": f"--junitxml={results}"},
            cwd=_CHECKOUT,
            check=False,
        )
        if done.returncode:
            _say(f"Python {python}, {dependencies} dependencies: make ended with {done.returncode}")
            return None
        suite = ElementTree.parse(results).getroot()[0]
    skipped = int(suite.attrib["skipped"])
    return Run(
        python=_ask(venv, "import platform; print(platform.python_version())"),
        dependencies=dependencies,
        versions=dict(zip(LIBRARIES, json.loads(_ask(venv, _ASK, *LIBRARIES)), strict=True)),
        passed=int(suite.attrib["tests"]) - skipped,
        skipped=skipped,
    )


def _ask(venv: str, program: str, *arguments: str) -> str:
    command = [str(_CHECKOUT / venv / "bin" / "python"), "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Run all, print the table, and keep it if asked to."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the figures there, as JSON")
    keep = parser.parse_args(arguments).keep
    runs = list(_runs())
    passed = [run for run in runs if run is not None]
    _say(markdown(passed))
    if len(passed) < len(runs):
        return 1
    if keep is not None:
        keep.write_text(f"{json.dumps([asdict(run) for run in passed], indent=2)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
