"""`python -m tests.certainty [--keep docs/certainty.md]`: every row, and the table of what was seen.

`make certainty` calls it. Where something else was seen than is due, it says so, keeps nothing, and the exit
status is 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from sentry_filters.redaction import regex
from tests.certainty.deployment import Workers
from tests.certainty.page import CELLS, PAGE, rendered, seen_text
from tests.certainty.rows import Cell, differences
from tests.certainty.telemetry import HAS_HTTP_SPANS
from tests.certainty.worker import compiled_once


def _tried(cell: Cell, workers: Workers) -> tuple[str, list[str]]:
    """Return what the table says of a cell, and what is wrong with it."""
    try:
        seen = cell.run(workers)
    except AssertionError as error:
        return "", [str(error) or "what shows in between is not what is due"]
    return seen_text(cell, seen), differences(cell, seen)


def main(arguments: list[str]) -> int:
    """Run all cells, and keep the table if asked to."""
    parser = argparse.ArgumentParser(prog="python -m tests.certainty", description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the table into this document")
    keep = parser.parse_args(arguments).keep
    if not HAS_HTTP_SPANS:
        _say("left out: the instrumentation of httpx is not installed, and the table needs it")
        return 1
    regex._compiled = compiled_once()
    texts: dict[str, str] = {}
    failed = False
    with tempfile.TemporaryDirectory() as folder, Workers(Path(folder)) as workers:
        for cell in CELLS:
            texts[cell.name], wrong = _tried(cell, workers)
            failed = failed or bool(wrong)
            _say(f"{cell.name}: {'; '.join(wrong) or texts[cell.name]}")
    if failed:
        return 1
    if keep is not None:
        keep.write_text(rendered(PAGE.read_text("utf-8"), texts), "utf-8")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
