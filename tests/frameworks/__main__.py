"""`python -m tests.frameworks [--keep FILE] [--read FILE] [NAME…]`: the matrix of clients and frameworks.

`make frameworks` calls it. Each cell runs in a process of its own; the exit status is 1 if a report of a
third party was kept back, or something of ours stays without a reason that is known.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.frameworks.catalogue import FRAMEWORKS
from tests.frameworks.environments import CHECKOUT, OFFLINE, made, python_of, versions
from tests.frameworks.pages import PAGES
from tests.frameworks.table import BAD, BEGIN, END, Cell, markdown


def main(arguments: list[str]) -> int:
    """Install, run, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.frameworks", description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the table into this page")
    parser.add_argument("--cells", type=Path, metavar="FILE", help="add what came of each cell to this file")
    parser.add_argument("--read", action="store_true", help="run nothing: read that file")
    parser.add_argument("names", nargs="*", help="frameworks; all if none is named")
    given = parser.parse_args(arguments)
    names = given.names or [one.name for one in FRAMEWORKS]
    missing, known = ({}, {}) if given.read else _installed()
    if given.read:
        known = _versions()
        missing = {
            one.name: "not there" for one in FRAMEWORKS if _lacks(one.packages, one.environment, known)
        }
        lines = given.cells.read_text().splitlines()
    else:
        lines = list(_run([name for name in names if name not in missing], given.cells))
    cells = [Cell(**json.loads(line)) for line in lines]
    table = markdown(cells, known, missing)
    sys.stdout.write(f"{table}\n")
    if given.keep is not None:
        page = given.keep.read_text("utf-8")
        before, after = page.partition(BEGIN)[0], page.partition(END)[2]
        given.keep.write_text(f"{before}{table}{after}", "utf-8")
    ran = [] if given.read or given.names else [_runs(name) for name in PAGES]
    return 0 if all(ran) and BAD not in table else 1


def _runs(page: str) -> bool:
    """Run a page's snippet where its framework is installed."""
    sys.stderr.write(f"docs/frameworks/{page}.md\n")
    command = [str(python_of(PAGES[page])), "-m", "tests.frameworks.pages", page]
    return not subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **OFFLINE}, check=False).returncode


def _installed() -> tuple[dict[str, str], dict[str, str]]:
    """Return which frameworks are missing and why, and the versions of the others."""
    failed: dict[tuple[str, str], str] = {}
    for environment in sorted({one.environment for one in FRAMEWORKS}):
        sys.stderr.write(f"installing: {environment}\n")
        failed.update({(environment, package): why for package, why in made(environment).items()})
    missing = {}
    for one in FRAMEWORKS:
        reasons = [
            failed[one.environment, package]
            for package in one.packages
            if (one.environment, package) in failed
        ]
        if reasons:
            missing[one.name] = reasons[0]
    return missing, _versions()


def _versions() -> dict[str, str]:
    return {
        f"{environment}/{package}": version
        for environment in sorted({one.environment for one in FRAMEWORKS})
        for package, version in versions(environment).items()
        if version is not None
    }


def _lacks(packages: tuple[str, ...], environment: str, known: dict[str, str]) -> bool:
    return any(f"{environment}/{package}" not in known for package in packages)


def _run(names: list[str], keep: Path | None) -> Iterator[str]:
    """Run frameworks, an environment at a time, and yield a line of JSON for each cell."""
    for environment in sorted({one.environment for one in FRAMEWORKS}):
        here = [one.name for one in FRAMEWORKS if one.environment == environment and one.name in names]
        if not here:
            continue
        command = [str(python_of(environment)), "-m", "tests.frameworks.one", *here]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env={**os.environ, **OFFLINE}
        ) as running:
            for line in running.stdout or ():
                cell = json.loads(line)
                sys.stderr.write(f"{cell['framework']}: {cell['set_up']}: {cell['scenario']}\n")
                if keep is not None:
                    with keep.open("a") as kept:
                        kept.write(line)
                yield line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
