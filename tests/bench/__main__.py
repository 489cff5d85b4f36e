"""`python -m tests.bench [NAME …] [--share 0.1] [--keep FILE]`: what it costs, as ratios of one run."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from tests.bench.benches import BENCHES, measured
from tests.bench.kept import Kept
from tests.bench.published import write_documents
from tests.bench.table import Row, show
from tests.bench.timing import Effort


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all; 1 if a ratio is over its limit."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHES)}; all by default"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="write the figures there, and the documents' tables"
    )
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="how much of the usual effort, for a trial (the tables say so)",
    )
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BENCHES]:
        parser.error(f"{unknown[0]!r} is none of {', '.join(BENCHES)}")
    if options.keep and options.names:
        parser.error("--keep is for a run of all")
    # What the guard logs is made, as in an application, and read by nobody.
    logging.getLogger("sentry_filters").addHandler(logging.NullHandler())
    kept = Kept.of_this_machine(options.share)
    print(kept.setting)  # noqa: T201 - a command
    too_much: list[Row] = []
    for name in options.names or BENCHES:
        started = time.perf_counter()
        title, rows = measured(name, Effort().share(options.share))
        show(f"{title} ({time.perf_counter() - started:.0f} s)", rows)
        kept.add(name, rows)
        too_much += [row for row in rows if isinstance(row, Row) and row.too_much]
    for row in too_much:
        print(f"too much: {row.what}: {row.ratio:.3f}, at most {row.most:g} is allowed")  # noqa: T201 - as above
    if options.keep:
        kept.write(options.keep)
        write_documents(Kept.read(options.keep))  # as anybody else reads them
    return 1 if too_much else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
