"""Every order of events in small worlds keeps the promises of the session's life; mistakes break them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from tests.model.mutants import MUTANTS, Mutant
from tests.model.worlds import WORLDS, Explored, explore

CORES = 2
ALL = 10**9


@pytest.fixture(scope="module")
def explored() -> Iterator[dict[str, Future[Explored]]]:
    """What every world and every mistake comes to, side by side, in processes of their own."""
    with ProcessPoolExecutor(CORES, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = {name: pool.submit(explore, world, ALL) for name, world in WORLDS.items()}
        for mutant in MUTANTS:
            found[mutant.name] = pool.submit(explore, WORLDS[mutant.found_in], ALL, mutant)
        yield found


@pytest.mark.promise("one-expiry")
@pytest.mark.parametrize("name", WORLDS)
def test_every_order_of_events_keeps_the_promises(name: str, explored: dict[str, Future[Explored]]) -> None:
    result = explored[name].result()

    assert result.violation is None
    assert result.complete


def test_those_are_a_million_states(explored: dict[str, Future[Explored]]) -> None:
    assert sum(explored[name].result().states for name in WORLDS) >= 1_000_000


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_mistake_is_found(mutant: Mutant, explored: dict[str, Future[Explored]]) -> None:
    assert explored[mutant.name].result().violation is not None


def test_there_are_enough_mistakes() -> None:
    assert len({mutant.name for mutant in MUTANTS}) >= 20
