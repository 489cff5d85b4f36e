"""The worlds that are explored: small ones to their end, and large ones as far as one likes."""

from __future__ import annotations

import logging
from typing import NamedTuple

from sentry_filters.core import lifecycle, sessions
from tests.model.explorer import Explorer, Violation
from tests.model.mutants import Mutant, mutated
from tests.model.world import Configuration

_TWO = Configuration("plain", processes=2)

WORLDS = {
    world.name: world
    for world in (
        Configuration("three renewals", processes=2, renewals=3, begins=1, signs_in=("b",)),
        Configuration("three processes"),
        _TWO._replace(name="a loss and a repetition", losses=1, repeats=1),
        _TWO._replace(name="a partition", partitions=1),
        _TWO._replace(name="a flush", flushes=1),
        _TWO._replace(name="a crash", crashes=1),
        _TWO._replace(name="an answer is lost", unheard=1),
        Configuration("a flake", processes=1, flakes=2, begins=3, at_once=3),
        _TWO._replace(name="users", scope="session", signs_in=("a", "b", None)),
        _TWO._replace(
            name="a failure that names none", credentials=("a", None), signs_in=("a", None), deaths=2
        ),
        _TWO._replace(name="a healing call", window=True),
        _TWO._replace(name="nobody listens", listening=False),
        _TWO._replace(name="one credential", signs_in=("a", None), credentials=("a",), deaths=2),
        _TWO,
    )
}
"""Each is explored to its end, in `make test`."""

_ALL = Configuration(
    "everything", renewals=3, signs_in=("a", "b", None), begins=4, at_once=2, deaths=2, flakes=1, losses=1,
    repeats=1, crashes=1, flushes=1, partitions=1, unheard=1,
)  # fmt: skip

LARGE = (
    _ALL,
    _ALL._replace(name="everything, for users", scope="session"),
    _ALL._replace(name="everything, with a window", window=True),
    _ALL._replace(name="everything, and nobody listens", listening=False),
    Configuration("three processes, three renewals", renewals=3, begins=1, signs_in=("b", None)),
    Configuration("three processes, a loss and a repetition", losses=1, repeats=1),
    Configuration("three processes, a crash, a flush, a partition", crashes=1, flushes=1, partitions=1),
    Configuration("two processes, a flake", processes=2, flakes=1, begins=3),
)
"""Each is explored as far as `make model` is told."""


class Explored(NamedTuple):
    """How many states there were, whether they were all, and what did not hold, if anything."""

    states: int
    complete: bool
    violation: str | None = None


def explore(world: Configuration, most: int, mutant: Mutant | None = None) -> Explored:
    """Explore a world in this process, which serves for nothing else then: its clocks are the model's."""
    logging.disable(logging.CRITICAL)
    module = lifecycle if mutant is None else mutated(mutant)
    sessions.renewals_of = module.renewals_of  # type: ignore[attr-defined]
    explorer = Explorer(world, module.transition)
    try:
        return Explored(*explorer.run(most))
    except Violation as violation:
        return Explored(0, False, str(violation))
