"""Eight processes, one session: one of them publishes its end, all stop, and all start again."""

from __future__ import annotations

import pytest

from tests.redis.conftest import StartWorkers
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

OLD, NEW = fake("eyJ", 40, seed="old"), fake("eyJ", 40, seed="new")


@pytest.mark.promise("one-in-processes")
def test_a_storm_in_eight_processes_is_published_once_and_halts_all(
    start: StartWorkers, receiver: SentryReceiver
) -> None:
    workers = start(8)
    assert [worker.hear()["closed_by"] for worker in workers] == [None] * 8

    for worker in workers:
        worker.say(f"storm {OLD} 20")
    states = [worker.hear() for worker in workers]
    assert all(state["closed_by"] for state in states)
    assert eventually(lambda: sum(len(worker.ask("state")["published"]) for worker in workers) == 1)

    [ninth] = start(1)
    assert ninth.hear()["closed_by"] == states[0]["closed_by"], "closed from its first check"
    assert len({state["closed_by"] for state in states}) == 1
    assert [state["dropped"] for state in states] == [20] * 8

    workers[0].ask(f"renew {NEW}")
    everyone = [*workers, ninth]
    assert [worker.ask("until open")["closed_by"] for worker in everyone] == [None] * 9

    for worker in everyone:
        worker.ask(f"storm {OLD} 3")
    after = [worker.ask("state") for worker in everyone]
    assert [state["closed_by"] for state in after] == [None] * 9, "an old credential closes none"
    assert sum(len(state["published"]) for state in after) == 1
    assert [state["faults"] for state in after] == [0] * 9
    assert [worker.end() for worker in everyone] == [0] * 9
    shown = [event["tags"]["session_expired"] for event in receiver.events]
    assert shown == ["old_credential"] * 9, "it is used on after the renewal: each process shows that once"


def test_one_failure_closes_the_gate_of_those_who_saw_none(start: StartWorkers) -> None:
    first, second = start(2)
    first.hear(), second.hear()

    expiry = first.ask(f"storm {OLD} 1")["closed_by"]

    assert second.ask("until closed")["closed_by"] == expiry
    assert second.ask("state")["published"] == []


def test_a_credential_that_was_renewed_itself_can_expire_again(start: StartWorkers) -> None:
    first, second = start(2)
    first.hear(), second.hear()
    first.ask(f"storm {OLD} 1")
    second.ask("until closed")
    second.ask(f"renew {OLD}")
    first.ask("until open")

    again = first.ask(f"storm {OLD} 1")["closed_by"]

    assert again is not None
    assert second.ask("until closed")["closed_by"] == again
    assert eventually(lambda: sum(len(one.ask("state")["published"]) for one in (first, second)) == 2)


def test_one_users_expiry_halts_that_user_in_every_process_and_nobody_else(start: StartWorkers) -> None:
    first, second = start(2, scope="session")
    first.hear(), second.hear()

    first.ask(f"storm {OLD} 1")

    assert eventually(lambda: second.ask(f"state {OLD}")["closed_by"] is not None)
    assert second.ask(f"state {NEW}")["closed_by"] is None
    second.ask(f"renew {OLD}")
    assert eventually(lambda: first.ask(f"state {OLD}")["closed_by"] is None)
