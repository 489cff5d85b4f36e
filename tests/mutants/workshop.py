"""A room's folder under `.cache/mutants/`: a copy of the project with mutants in it, and their fate."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.rooms import Room
from tests.mutants.survivors import Survivor, parsed

OUTCOME = "outcome.json"
ROOT = Path(__file__).parents[2]
COPIED = ("otel", "tests", "docs", "dashboards", "README.md", "SECURITY.md", "pyproject.toml", "Makefile")

CONFIGURATION = """\
[mutmut]
source_paths=sentry_filters
only_mutate=
  {modules}
do_not_mutate_patterns=
  {patterns}
"""
LEFT_OUT = (  # of each line that matches
    r"_log\.\w+\(",  # words that only people read
    r"warnings\.warn\(",
    r"return deferred_regex\(f",  # runs at the import, before a mutant can be chosen
    r"return frozenset\(text\.split",
)


def prepared(folder: Path, room: Room) -> Path:
    """The folder, with today's code and tests. What has not changed since the last run is not tried again."""
    copy = folder / "mutants"
    copy.mkdir(parents=True, exist_ok=True)
    if not (folder / "sentry_filters").is_symlink():
        (folder / "sentry_filters").symlink_to(ROOT / "sentry_filters")
    for part in COPIED:
        source, target = ROOT / part, copy / part
        if source.is_file():
            shutil.copy2(source, target)
        else:
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".cache"))
    (folder / "setup.cfg").write_text(
        CONFIGURATION.format(modules="\n  ".join(room.modules), patterns="\n  ".join(LEFT_OUT))
    )
    return folder


def tried(folder: Path, tests: tuple[str, ...], *, at_once: int) -> int:
    """Make the mutants there and try them; what the process exits with."""
    (folder / OUTCOME).unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(folder / "mutants"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-P", "-m", "tests.mutants.trying", fingerprint(tests), str(at_once), *tests]
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def fingerprint(tests: tuple[str, ...]) -> str:
    """Of the package and the tests: another one means that a survivor may be noticed now."""
    digest = hashlib.sha256()
    for top in ("sentry_filters", "tests/support", *tests):
        for path in sorted((ROOT / top).rglob("*.py")) or [ROOT / top]:
            digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one module's mutants."""

    module: str
    mutants: int
    survivors: tuple[Survivor, ...]
    """One for each mutant: two that look the same are both here."""


def outcomes(folder: Path) -> list[Outcome]:
    """Of each module of the room, as the last run of all its mutants left it."""
    found = json.loads((folder / OUTCOME).read_text("utf-8"))
    return [
        Outcome(module, count, tuple(map(parsed, lines))) for module, (count, lines) in sorted(found.items())
    ]
