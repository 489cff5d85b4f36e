"""`python -m tests.packaging SDIST [TEST …]`: the tests without servers, on the installed wheel.

`make wheel-test` calls it, with the interpreter of an environment that has the wheel and what the tests need.
They run in the unpacked sdist, without its `sentry_filters/` and `otel/`: what is imported is what was
installed. Left out is what judges the source itself and its guide, and what builds a wheel.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.packaging.building import without_checkout

SOURCES = ("sentry_filters", "otel")
LEFT_OUT = (
    "tests/test_architecture.py",
    "tests/architecture",
    "tests/test_contributing.py",
    "tests/packaging",
)
_WHERE = "import sentry_filters, otel; print(sentry_filters.__file__, otel.__file__, sep='\\n')"


def unpacked(sdist: Path, folder: Path) -> Path:
    """Unpack an sdist without the packages themselves, and return where its tests are."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    [root] = folder.iterdir()
    for source in SOURCES:
        shutil.rmtree(root / source)
    return root


def main(arguments: list[str]) -> int:
    """Run them; the exit status is pytest's, 1 where something else than the wheel would be imported."""
    parser = argparse.ArgumentParser(prog="python -m tests.packaging", description=__doc__)
    parser.add_argument("sdist", type=Path)
    parser.add_argument("tests", nargs="*", help="all by default; what pytest takes")
    given = parser.parse_args(arguments)
    environ = without_checkout(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        root = unpacked(given.sdist, Path(folder))
        found = subprocess.run(
            [sys.executable, "-c", _WHERE], cwd=root, env=environ, capture_output=True, text=True, check=True
        ).stdout.split()
        if not all(Path(file).is_relative_to(sys.prefix) for file in found):
            sys.stderr.write(
                f"tests.packaging: invalid environment, it imports {found}; expected the wheel\n"
            )
            return 1
        command = [sys.executable, "-m", "pytest", "-q", "-m", "not integration", "-p", "no:cacheprovider"]
        ignored = [f"--ignore={name}" for name in LEFT_OUT]
        return subprocess.run(
            [*command, *ignored, *given.tests], cwd=root, env=environ, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
