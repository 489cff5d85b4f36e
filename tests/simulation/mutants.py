"""Mistakes that the shared protocol could have: each is a patch of the package's source, and has to be found.

Run as `python -m tests.simulation.mutants [NUMBER …]`; those of the transition function are the model's.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import NamedTuple

_SEEDS = 4_000
_PART = 50
_STATES = 400_000  # of a world of the model, which is asked where the simulation finds nothing
_SECONDS = 900.0  # for one mistake, which may be that something never ends


class Mutant(NamedTuple):
    """One mistake.

    Args:
        name: What goes wrong.
        module: Below `sentry_filters`.
        source: A piece of it that occurs once.
        instead: What stands there then.
    """

    name: str
    module: str
    source: str
    instead: str


MUTANTS = (
    Mutant("who loses a claim publishes, too", "redis.exchange", "        if won:\n", "        if True:\n"),
    Mutant(
        "without Redis nobody publishes",
        "redis.exchange",
        'count("fallback")\n        self._publish(expiry)',
        'count("fallback")',
    ),
    Mutant(
        "renewals are not written again",
        "redis.exchange",
        "if theirs.get(renewal.name, 0) < renewal.stamp:",
        "if False:",
    ),
    Mutant(
        "expiries are not written again",
        "redis.exchange",
        "if written.get(expiry.name, -1) < expiry.after:",
        "if False:",
    ),
    Mutant("a look finds no renewals", "redis.exchange", "in state.renewals:\n", "in ():\n"),
    Mutant(
        "a look finds no expiries",
        "redis.exchange",
        "in state.expiries:\n            self",
        "in ():\n            self",
    ),
    Mutant(
        "an outage is forgotten",
        "redis.exchange",
        'whatever the version."""\n        self._version = ""',
        'whatever the version."""',
    ),
    Mutant(
        "the earlier renewal counts",
        "redis.replica",
        "known.stamp > renewal.stamp",
        "known.stamp < renewal.stamp",
    ),
    Mutant(
        "the earlier expiry counts",
        "redis.replica",
        "known.after > expiry.after",
        "known.after < expiry.after",
    ),
    Mutant(
        "nobody takes over from the dead",
        "redis.exchange",
        "for expiry in look.unpublished:",
        "for expiry in ():",
    ),
    Mutant(
        "what was published is taken over all the same",
        "redis.exchange",
        "        self._unconfirmed.append(expiry)\n\n    def _take_over",
        "        pass\n\n    def _take_over",
    ),
    Mutant("a claim that fails is not published", "redis.threads", "if not settled:", "if False:"),
    Mutant(
        "nobody looks a second time",
        "redis.threads",
        "elif not self._closed.is_set() and (",
        "elif False and (",
    ),
    Mutant(
        "a child has no threads",
        "redis.sessions",
        "            self._start(self._lifecycle)\n",
        "            pass\n",
    ),
    Mutant(
        "another's expiry closes nothing",
        "core.sessions",
        "if Due.CLOSE in step.due:\n                self._keeper.close(event, session)\n            elif",
        "if Due.CLOSE in step.due:\n                pass\n            elif",
    ),
    Mutant(
        "what is dropped leaves the gate open",
        "core.sessions",
        "            self._keeper.close(draft, failure.session)",
        "            pass",
    ),
    Mutant(
        "a recovery is not shared", "core.sessions", "self._shared.recovered(home, renewal.stamp)", "pass"
    ),
    Mutant(
        "a clock that was set back orders renewals",
        "core.sessions",
        "max(stamp_now(), self._known.latest_stamp + 1)",
        "stamp_now()",
    ),
    Mutant(
        "the end of the window tells nothing",
        "core.telling",
        "if Due.PUBLISH in step.due or found_out:",
        "if False:",
    ),
    Mutant("a success opens nothing", "core.sessions", "self._keeper.reopen(expiry.id, name)", "pass"),
    Mutant(
        "a sign-in opens one of several",
        "core.gate",
        "self._closed_by.clear()",
        "self._closed_by and self._closed_by.popitem()",
    ),
    Mutant(
        "an idle handler is never called again",
        "core.worker",
        "self._thread = None\n                    return None\n                self._changed",
        "return None\n                self._changed",
    ),
    Mutant(
        "a child's handlers wait for the parent's thread",
        "core.worker",
        "        self._began = None\n        self._thread = None",
        '        self._began = None\n        self._thread = getattr(self, "_thread", None)',
    ),
    Mutant(
        "two threads find the first failure",
        "core.sessions",
        '        with self._lock:\n            if self.scope == "session" and name',
        '        if True:\n            if self.scope == "session" and name',
    ),
)


class _Patching(importlib.machinery.SourceFileLoader):
    """Imports one module with the mistake in it."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._of = f"sentry_filters.{mutant.module}"

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._of:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        importlib.machinery.SourceFileLoader.__init__(self, fullname, spec.origin)
        return importlib.util.spec_from_file_location(fullname, spec.origin, loader=self)

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        source = self.get_data(self.path).decode()
        mutant = self._mutant
        assert source.count(mutant.source) == 1, f"{mutant.name}: {source.count(mutant.source)} places"
        return compile(source.replace(mutant.source, mutant.instead), mutant.name, "exec")


def found_by(number: int) -> str:
    """Return what finds a mutant, and after how much; empty for nothing. To be called in a fresh process."""
    assert not any(name.startswith("sentry_filters") for name in sys.modules), "the package is loaded already"
    sys.meta_path.insert(0, _Patching(MUTANTS[number]))
    from tests.simulation.__main__ import simulate  # noqa: PLC0415 - only now, with the mistake
    from tests.simulation.fleet import Fleet  # noqa: PLC0415

    for first in range(0, _SEEDS, _PART):
        found = simulate(Fleet, range(first, first + _PART))
        if found:
            return f"the simulation, {first + _PART} seeds ({found[0][:150]})"
    from tests.model.worlds import WORLDS, explore  # noqa: PLC0415 - as above

    for world in WORLDS.values():
        explored = explore(world, _STATES)
        if explored.violation:
            return f"the model, {world.name} ({explored.violation[:150]})"
    return ""


def _try(number: int) -> str:
    """Try a mutant in a process of its own, which ends with the time that it has."""
    command = [sys.executable, "-m", "tests.simulation.mutants", "--one", str(number)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def main(arguments: list[str]) -> int:
    """Try all, or those with these numbers; 1 where one is not found."""
    if arguments[:1] == ["--one"]:
        print(found_by(int(arguments[1])))  # noqa: T201
        return 0
    numbers = [int(one) for one in arguments] or range(len(MUTANTS))
    missed, started = 0, time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, by in zip(numbers, pool.map(_try, numbers), strict=True):
            missed += not by
            print(f"{number:2} {MUTANTS[number].name}: {by or 'NOT FOUND'}", flush=True)  # noqa: T201
    print(f"{len(numbers) - missed} of {len(numbers)} found in {time.perf_counter() - started:.0f} s")  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
