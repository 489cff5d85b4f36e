"""`python -m tests.simulation [--seeds N] [--first N] [--replay SEED]`: a fleet's life, from seeds."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time

from tests.simulation.fleet import Fleet, modules


def simulate(seeds: range) -> list[str]:
    """Return what did not hold, for each of these seeds where something did not."""
    found, touched = [], modules()
    for seed in seeds:
        try:
            Fleet(seed).run(touched)
        except AssertionError as violation:
            found.append(f"{type(violation).__name__}: {violation} (seed {seed})")
    return found


def replay(seed: int) -> int:
    """Show what happens with a seed, to its end; 1 where something does not hold."""
    log: list[str] = []
    try:
        Fleet(seed, log).run(modules())
    except AssertionError as violation:
        print(*log, sep="\n")  # noqa: T201 - a command
        print(f"{type(violation).__name__}: {violation}")  # noqa: T201
        return 1
    print(*log, sep="\n")  # noqa: T201
    return 0


def main(arguments: list[str]) -> int:
    """Run; 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--replay", type=int)
    options = parser.parse_args(arguments)
    if options.replay is not None:
        return replay(options.replay)
    started, size = time.perf_counter(), 250
    parts = [
        range(first, min(first + size, options.first + options.seeds))
        for first in range(options.first, options.first + options.seeds, size)
    ]
    # A process for so many seeds: what a simulation leaves behind adds up.
    with multiprocessing.get_context("fork").Pool(maxtasksperchild=8) as pool:
        found = [one for part in pool.imap(simulate, parts) for one in part]
    print(f"{options.seeds:,} seeds in {time.perf_counter() - started:.0f} s, {len(found)} violations")  # noqa: T201
    print(*found[:20], sep="\n")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set of names is a part of what happens
        command = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main(sys.argv[1:]))
