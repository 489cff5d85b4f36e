"""`make mutants`: what share of the mutants the tests notice, and whether the list has the rest."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.mutants.rooms import ROOMS
from tests.mutants.survivors import LIST, differences, listed
from tests.mutants.workshop import ROOT, Outcome, outcomes, prepared, tried

LEAST = 0.95  # of a room's mutants are noticed


def main() -> int:
    """Run it; returns 1 where the list is wrong or too few mutants are noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(ROOMS), help="a room; again for another")
    parser.add_argument("--at-once", type=int, default=2, help="how many mutants are tried at the same time")
    chosen = parser.parse_args()
    rows, wrong = ["| room, module | mutants | noticed | listed |", "|---|--:|--:|--:|"], []
    for name in chosen.only or ROOMS:
        folder = prepared(ROOT / ".cache" / "mutants" / name, ROOMS[name])
        if tried(folder, ROOMS[name].tests, at_once=chosen.at_once):
            sys.exit(f"tests/mutants: {name}: the tests could not be run; {folder} has what was done so far")
        found = outcomes(folder)
        rows += [_row(f"**{name}**", *found), *(_row(f"`{one.module}`", one) for one in found if one.mutants)]
        wrong += _wrong(name, found)
    print("\n".join(rows))
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


def _row(name: str, *outcomes: Outcome) -> str:
    mutants, survivors = (
        sum(one.mutants for one in outcomes),
        [one for each in outcomes for one in each.survivors],
    )
    known = listed()
    noticed = mutants - len(survivors)
    share = f"{noticed / mutants:.1%}" if mutants else ""
    return f"| {name} | {mutants} | {noticed} ({share}) | {sum(one in known for one in survivors)} |"


def _wrong(name: str, found: list[Outcome]) -> list[str]:
    modules = {".".join(Path(one.module).with_suffix("").parts).removesuffix(".__init__") for one in found}
    survivors = [survivor for one in found for survivor in one.survivors]
    unlisted, stale = differences(listed(), survivors, modules)
    mutants = sum(one.mutants for one in found)
    few = mutants and 1 - len(survivors) / mutants < LEAST
    return [
        *(f"{name}: no test notices, and {LIST.name} does not list: {one}" for one in unlisted),
        *(f"{name}: {LIST.name} lists what is noticed by now: {one}" for one in stale),
        *(
            [f"{name}: {len(survivors)} of {mutants} mutants survive; expected at most {1 - LEAST:.0%}"]
            if few
            else []
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
