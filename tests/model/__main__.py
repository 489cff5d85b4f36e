"""`python -m tests.model --states 12000000`: explore the large worlds, on two cores."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.model.worlds import LARGE, explore


def main() -> int:
    """Print each world's result; the exit status says whether everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--states", type=int, default=12_000_000, help="how many in all, about")
    parser.add_argument("--cores", type=int, default=2, help="worlds at a time")
    arguments = parser.parse_args()
    began, total, broken = time.monotonic(), 0, 0
    with ProcessPoolExecutor(
        arguments.cores, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        running = {pool.submit(explore, world, arguments.states // len(LARGE)): world for world in LARGE}
        for done in as_completed(running):
            result = done.result()
            total += result.states
            broken += result.violation is not None
            what = result.violation or f"{result.states:,} states, {'all' if result.complete else 'of more'}"
            sys.stdout.write(f"{running[done].name}: {what}\n")
            sys.stdout.flush()
    seconds = time.monotonic() - began
    sys.stdout.write(f"{total:,} states in {seconds:.0f} s; something does not hold in {broken} worlds\n")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
