"""A thousand fleets hold what is promised; a seed replays exactly; mistakes of the protocol are found."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from sentry_filters.redis import lease
from sentry_filters.redis.messages import EVERYONE, UNNAMED, Expiry, Renewal
from sentry_filters.redis.store import State, Store
from tests.model.test_store import NAMES, client, expiry_of
from tests.redis.conftest import redis_server

pytest.importorskip("greenlet")

from tests.simulation import mutants
from tests.simulation.fleet import Fleet
from tests.simulation.scheduler import Scheduler
from tests.simulation.server import Link, Server
from tests.simulation.turns import Turns
from tests.simulation.world import places_of_the_package

__all__ = ["client", "redis_server"]  # the fixtures


def _simulated(*arguments: str) -> subprocess.CompletedProcess[str]:
    # In processes of their own: modules are changed there, and names have the same order everywhere.
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_a_thousand_fleets_hold_what_is_promised() -> None:
    ran = _simulated("--seeds", "1000")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("1,000 seeds")


@pytest.mark.parametrize("seed", [303_490, 408_057, 500_869, 910_830])
def test_seeds_that_found_something_hold_what_is_promised(seed: int) -> None:
    assert _simulated("--replay", str(seed)).returncode == 0


def test_a_seed_replays_exactly() -> None:
    first, again = _simulated("--replay", "12"), _simulated("--replay", "12")

    assert first.returncode == 0
    assert "signs in" in first.stdout
    assert first.stdout == again.stdout


def test_other_seeds_are_other_lives() -> None:
    logs: list[list[str]] = [[], []]
    for seed, log in enumerate(logs):
        Fleet(seed, log).run(places_of_the_package())
    assert logs[0] != logs[1]


def test_every_mistake_is_one_of_the_source_as_it_is() -> None:
    for mutant in mutants.MUTANTS:
        spec = importlib.util.find_spec(f"sentry_filters.{mutant.module}")
        assert spec is not None
        assert Path(spec.origin or "").read_text().count(mutant.source) == 1, mutant.name


@pytest.mark.parametrize(
    "name",
    ["who loses a claim publishes, too", "what is dropped leaves the gate open", "a look finds no expiries"],
)
def test_a_mistake_of_the_protocol_is_found(name: str) -> None:
    number = next(at for at, mutant in enumerate(mutants.MUTANTS) if mutant.name == name)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        by = pool.apply(mutants.found_by, (number,))
    assert by.startswith("the simulation, ")


@pytest.mark.integration
@pytest.mark.parametrize("scope", ["process", "session"])
def test_the_simulated_server_keeps_and_says_what_redis_does(client: redis.Redis, scope: str) -> None:
    scheduler, chance, rounds = Scheduler(1), random.Random(scope), list[int]()
    at = round(expiry_of((NAMES[0], 0, "0" * 16)).event.at.timestamp() * 1e6)

    def compare() -> None:
        for round_ in range(40):
            server = Server(scheduler, scope)
            simulated, real = Link(server, _Home()), Store(client, f"s{round_}", scope)  # type: ignore[arg-type]
            latest = expiry_of((NAMES[0], 0, "0" * 16))
            for _ in range(10):
                name, stamp = chance.choice(NAMES), at + chance.randrange(6)
                if chance.random() < 0.4:
                    named = chance.choice((EVERYONE, *NAMES))
                    credential = chance.choice((None, *NAMES[:2])) if named == EVERYONE else None
                    renewal = Renewal(name=named, stamp=stamp, credential=credential)
                    real.renew(renewal)
                    simulated.renew(renewal)
                else:
                    number = 4 * NAMES.index(name) + chance.randrange(4)  # an id is of one session's
                    claimed = expiry_of((name, chance.choice((0, stamp)), f"{number:016x}"))
                    begun = chance.choice((None, at - 1, at + chance.randrange(8)))
                    latest = claimed
                    ours, theirs = simulated.claim(claimed, begun), real.claim(claimed, begun)
                    assert ours[0] == theirs[0]
                    assert (ours[1] and ours[1].event.id) == (theirs[1] and theirs[1].event.id)
                assert _kept(simulated.load()) == _kept(real.load())
                mine, its = simulated.look(), real.look()
                assert mine.version.partition(":")[2] == its.version.partition(":")[2]
                assert _ids(mine.unpublished) == _ids(its.unpublished)
                if chance.random() < 0.3:  # the time for it is over, for all that is not published
                    server.unpublished = dict.fromkeys(server.unpublished, 0.0)
                    key = f"{real.prefix}:unpublished"
                    for member in cast("list[str]", client.zrange(key, 0, -1)):
                        client.zadd(key, {member: 1})
                if chance.random() < 0.3:
                    simulated.published([latest])
                    real.published([latest])
            rounds.append(round_)

    scheduler.spawn(compare)
    scheduler.run(lambda: len(rounds) == 40)


@pytest.mark.integration
def test_the_simulated_turns_are_those_of_redis(client: redis.Redis) -> None:
    chance, ours = random.Random(1), Turns(lambda: 0.0)
    theirs = {script: client.register_script(script) for script in (lease._CLAIM, lease._SETTLE)}
    answers: list[Any] = []
    outcomes = ("renewed", "refused", "paused")
    for _ in range(400):
        keys = [f"{kind}:{chance.choice('ab')}" for kind in ("lease", "turns", "fence")]
        if chance.random() < 0.2:  # its time is over
            over = chance.choice(keys)
            client.delete(over)
            ours.expire(over)
        claims = [answer[2] for answer in answers if len(answer) > 2] or ["1:"]
        script = chance.choice((lease._CLAIM, lease._SETTLE))
        args: list[Any] = [claims[-1], chance.choice(outcomes), 50_000, 60_000]
        if script == lease._CLAIM:
            args = [f"{chance.random()}", 60_000, 2, 60]
        simulated, real = ours.eval(script, keys, args), theirs[script](keys=keys, args=args)
        if script == lease._CLAIM:
            answers.append(simulated)
            simulated[1], real[1] = simulated[1] > 0, real[1] > 0  # milliseconds that are left
        assert simulated == real
        assert [ours.get(key) for key in keys] == [client.get(key) for key in keys]
    assert {answer[0] for answer in answers} == {"won", "held", "paused", "refused"}


class _Home:
    is_dead = dies_while_claiming = False
    interrupts: tuple[()] = ()


def _ids(expiries: list[Expiry]) -> list[str]:
    return sorted(one.event.id for one in expiries)


def _kept(state: State) -> tuple[list[object], list[object]]:
    expiries = sorted((one.name, one.after, one.event.id) for one in state.expiries)
    renewals = sorted((one.name, one.stamp, one.credential or UNNAMED) for one in state.renewals)
    return list(expiries), list(renewals)
