"""A fleet's life, from seeds: `python -m tests.simulation [--seeds N] [--first N] [--replay SEED]`."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from tests.simulation.fleet import Fleet
from tests.simulation.renewing import Renewing
from tests.simulation.world import World, places_of_the_package

Make = Callable[[int, list[str] | None], World[Any]]

_WORLDS: Mapping[str, Make] = MappingProxyType({"fleet": Fleet, "renewing": Renewing})
_PART = 250
_SECONDS_BETWEEN_LINES = 30.0


def simulate(make: Make, seeds: range) -> list[str]:
    """Return what did not hold, for each of these seeds where something did not."""
    found, where = [], places_of_the_package()
    # What a simulation leaves behind is collected after all of them: it is worth a third of the time.
    gc.collect()
    gc.freeze()
    gc.disable()
    for seed in seeds:
        try:
            make(seed, None).run(where)
        except AssertionError as violation:
            found.append(f"{type(violation).__name__}: {violation} (seed {seed})")
    gc.enable()
    gc.unfreeze()
    return found


def replay(make: Make, seed: int) -> int:
    """Show what happens with a seed, to its end; 1 where something does not hold."""
    log: list[str] = []
    try:
        make(seed, log).run(places_of_the_package())
    except AssertionError as violation:
        print(*log, sep="\n")  # noqa: T201 - a command
        print(f"{type(violation).__name__}: {violation}")  # noqa: T201
        return 1
    print(*log, sep="\n")  # noqa: T201
    return 0


def run(make: Make, first: int, seeds: int, processes: int | None) -> list[str]:
    """Return what did not hold; how far it is goes to standard error, with where to go on."""
    end, started = first + seeds, time.perf_counter()
    parts = [range(begin, min(begin + _PART, end)) for begin in range(first, end, _PART)]
    found: list[str] = []
    line_at = started + _SECONDS_BETWEEN_LINES
    # A process for so many seeds: what a simulation leaves behind adds up.
    with multiprocessing.get_context("fork").Pool(processes, maxtasksperchild=40) as pool:
        for part, its in zip(parts, pool.imap(partial(simulate, make), parts), strict=True):
            found += its
            print(*its, sep="\n", end="\n" if its else "", file=sys.stderr, flush=True)  # noqa: T201
            if time.perf_counter() >= line_at:
                line_at += _SECONDS_BETWEEN_LINES
                done, seconds = part.stop - first, time.perf_counter() - started
                each = f"{seconds / done * 1e3:.1f} ms each"
                print(  # noqa: T201
                    f"{done:,} of {seeds:,} seeds, {len(found)} violations, {each};"
                    f" to go on: FIRST={part.stop} SEEDS={end - part.stop}",
                    file=sys.stderr,
                    flush=True,
                )
    return found


def main(arguments: list[str]) -> int:
    """Run; 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--world", choices=sorted(_WORLDS), default="fleet")
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, help="at a time; as many as there are processors by default")
    parser.add_argument("--replay", type=int)
    options = parser.parse_args(arguments)
    make = _WORLDS[options.world]
    if options.replay is not None:
        return replay(make, options.replay)
    started = time.perf_counter()
    found = run(make, options.first, options.seeds, options.processes)
    seconds = time.perf_counter() - started
    each = f"{seconds / max(1, options.seeds) * 1e3:.1f} ms each"
    print(f"{options.seeds:,} seeds in {seconds:.0f} s, {each}, {len(found)} violations")  # noqa: T201
    print(*found[:20], sep="\n")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set of names is a part of what happens
        command = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main(sys.argv[1:]))
