"""Lives in this process: what a mistake anywhere in the core would change."""

from __future__ import annotations

import pytest

pytest.importorskip("greenlet")

from tests.simulation.fleet import Fleet
from tests.simulation.renewing import Renewing
from tests.simulation.world import places_of_the_package


def test_a_few_fleets_hold_what_is_promised() -> None:
    where = places_of_the_package()
    for seed in range(60):
        Fleet(seed).run(where)


def test_processes_that_renew_one_credential_hold_what_is_promised() -> None:
    where = places_of_the_package()
    for seed in range(200):
        Renewing(seed).run(where)
