"""In whatever order things happen: no third party's failure is lost, and a session lives as agreed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import Machine
from tests.machine.world import Backend

# The same examples in every run.
EXAMPLES = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=100,
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def backends() -> Iterator[tuple[Backend, Backend]]:
    """Our backend, and a third party's."""
    with Backend() as ours, Backend() as third:
        yield ours, third


@pytest.mark.parametrize("scope", ["process", "session"])
def test_an_application_lives_as_the_contract_says(scope: str, backends: tuple[Backend, Backend]) -> None:
    machine: Any = partial(Machine, *backends, scope)
    run_state_machine_as_test(machine, settings=EXAMPLES)
