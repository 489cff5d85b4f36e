"""Make a room's mutants, then try each in a fork of a process that has the tests collected and has run none.

mutmut makes the mutants and chooses one at run time. Its own runner starts pytest for each, which takes
longer than the tests do; here, pytest collects once.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mutmut.__main__ import create_mutants
from mutmut.configuration import config
from mutmut.mutation import trampoline
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.file_utils import copy_src_dir, walk_mutatable_files
from mutmut.utils.format_utils import mangled_name_from_mutant_name, orig_function_and_class_names_from_key

from tests.mutants.survivors import Survivor
from tests.mutants.workshop import OUTCOME

SURVIVED, NOTICED, UNTESTED, TIMEOUT = 0, 1, 33, 36
UNNOTICED = frozenset({SURVIVED, UNTESTED})
FOR_ONE = 4.0  # processor seconds of tests for one mutant: what they do not notice by then has survived
PATIENCE = 4.0  # a mutant that takes so many times longer than the tests do, and some seconds, hangs
MEMORY = 4 << 30
READ_THE_CODE = (  # instead of running it: they find all mutants in it at once
    "tests/sentry/test_explaining.py::test_every_reason_in_the_code_is_explained",
)


@dataclass
class Coverage:
    """Which tests call a function, and how long they take."""

    tests: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class Called(set[str]):
    """Functions that a test calls, in this process and in those that the test forks from it.

    Args:
        file: Where each of them is written down; a line may be there twice.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC)

    def add(self, function: str) -> None:
        """Take note of a call."""
        if function not in self:
            super().add(function)
            os.write(self._descriptor, f"{function}\n".encode())

    def taken(self) -> set[str]:
        """Return them, and begin anew."""
        found = set(self._file.read_text("utf-8").split())
        os.ftruncate(self._descriptor, 0)
        self.clear()
        return found


class NoCallers:
    """In the place of what mutmut keeps of who calls whom, which is not asked for.

    It keeps that in a context variable, of which CPython 3.11 now and then returns what has been freed.
    """

    @staticmethod
    def get() -> tuple[None, int]:
        """Return no caller, at no depth."""
        return None, 0

    @staticmethod
    def set(_caller: tuple[str, int]) -> None:
        """Keep nothing."""

    @staticmethod
    def reset(_token: None) -> None:
        """Nothing was kept."""


@dataclass
class Attempt:
    """A mutant in a process of its own."""

    mutant: str
    tests: Sequence[str]
    until: float
    noticed_by: int  # the end of a pipe that says which test, by its index


class Trial:
    """A pytest plugin that runs no test itself; its forks do."""

    def __init__(self, known: Path, at_once: int) -> None:
        self._known = known
        self._at_once = at_once
        self._items: dict[str, pytest.Item] = {}
        self._failed = False
        self._files = [_mutants_of(path) for path in walk_mutatable_files()]
        self._good_at: dict[str, list[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """In a fork: whether a test has failed."""
        self._failed = self._failed or report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In the place of running the tests."""
        self._items = {item.nodeid: item for item in session.items}
        coverage = self._coverage()
        gc.freeze()
        waiting = [
            (data, mutant)
            for data in self._files
            for mutant, code in data.exit_code_by_key.items()
            if code is None
        ]
        running: dict[int, Attempt] = {}
        owner = {mutant: data for data, mutant in waiting}
        for number, (_, mutant) in enumerate(waiting):
            while len(running) >= self._at_once:
                self._reap(running, owner)
            tests = self._chosen(mutant, coverage)
            if not tests:
                owner[mutant].exit_code_by_key[mutant] = UNTESTED
                continue
            pid, attempt = self._begun(mutant, tests, coverage)
            running[pid] = attempt
            if number % 50 == 0:
                print(f"{number} of {len(waiting)}", file=sys.stderr, flush=True)
                self._save()
        while running:
            self._reap(running, owner)
        self._save()
        return True

    def _save(self) -> None:
        for data in self._files:
            data.save()

    def _coverage(self) -> Coverage:
        """Learnt in a fork by running all the tests, which must pass; kept for the same code."""
        if not self._known.exists():
            pid = os.fork()
            if pid == 0:
                _alone(lambda: self._learn())
            _, status = os.waitpid(pid, 0)
            if status or not self._known.exists():
                raise pytest.UsageError(
                    "tests/mutants: the tests fail without a mutant; run them by themselves first"
                )
        return Coverage(**json.loads(self._known.read_text()))

    def _learn(self) -> int:
        set_mutant_under_test("stats")
        trampoline.MutmutCallStack = NoCallers
        found = Coverage()
        called = state()._stats = Called(self._known.with_name("called"))
        items = list(self._items.values())
        for item, following in zip(items, [*items[1:], None], strict=True):
            began = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                (self._known.parent / "failed").write_text(item.nodeid)
                return NOTICED
            found.seconds[item.nodeid] = time.process_time() - began
            for function in called.taken():
                found.tests.setdefault(function, []).append(item.nodeid)
        self._known.write_text(json.dumps({"tests": found.tests, "seconds": found.seconds}))
        return SURVIVED

    def _chosen(self, mutant: str, coverage: Coverage) -> list[str]:
        """Those first that noticed others in the function, then the fast ones, while there is time.

        One that is slow and noticed others comes last: it must not take the time of all the fast ones.
        """
        function = mangled_name_from_mutant_name(mutant)
        module = function.rpartition(".")[0]
        good = [*self._good_at.get(function, ()), *self._good_at.get(module, ())]
        able = sorted(
            (test for test in coverage.tests.get(function, ()) if test in self._items),
            key=coverage.seconds.__getitem__,
        )
        first = [test for test in dict.fromkeys(good) if test in set(able)]
        slow = {test for test in first if coverage.seconds[test] > FOR_ONE / 4}
        chosen: list[str] = []
        seconds = 0.0
        for test in dict.fromkeys([*(test for test in first if test not in slow), *able]):
            seconds += coverage.seconds[test]
            if chosen and seconds > FOR_ONE:
                break
            chosen.append(test)
        return [*chosen, *[test for test in first if test in slow and test not in chosen][:1]]

    def _begun(self, mutant: str, tests: list[str], coverage: Coverage) -> tuple[int, Attempt]:
        seconds = sum(coverage.seconds[test] for test in tests) * PATIENCE + 4
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            _alone(lambda: self._noticed(mutant, tests, writing))
        os.close(writing)
        return pid, Attempt(mutant, tests, time.monotonic() + seconds * 2, reading)

    def _noticed(self, mutant: str, tests: list[str], writing: int) -> int:
        set_mutant_under_test(mutant)
        items = [self._items[test] for test in tests]
        for index, (item, following) in enumerate(zip(items, [*items[1:], None], strict=True)):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                os.write(writing, str(index).encode())
                return NOTICED
        return SURVIVED

    def _reap(self, running: dict[int, Attempt], owner: dict[str, SourceFileMutationData]) -> None:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in running:
            attempt = running.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            index = os.read(attempt.noticed_by, 16)
            os.close(attempt.noticed_by)
            if index:
                self._remember(attempt, attempt.tests[int(index)])
            data = owner[attempt.mutant]
            data.exit_code_by_key[attempt.mutant] = (
                TIMEOUT if code in {-signal.SIGXCPU, -signal.SIGKILL} else code
            )
            return
        now = time.monotonic()
        for late, attempt in running.items():
            if now > attempt.until:
                os.killpg(late, signal.SIGKILL)
        time.sleep(0.004)

    def _remember(self, attempt: Attempt, test: str) -> None:
        function = mangled_name_from_mutant_name(attempt.mutant)
        for place in (function, function.rpartition(".")[0]):
            good = self._good_at.setdefault(place, [])
            if test in good:
                good.remove(test)
            good.insert(0, test)
            del good[20:]


def _alone(work: Callable[[], int]) -> None:
    """The whole life of a fork: in a group of its own, silent, and without an ordinary exit."""
    code = 70
    try:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        code = work()
    except BaseException:
        code = 3
    finally:
        os._exit(code)


def _mutants_of(path: Path) -> SourceFileMutationData:
    data = SourceFileMutationData(path=path)
    data.load()
    data.meta_path = data.meta_path.absolute()
    return data


def main(fingerprint: str, at_once: int, tests: list[str]) -> int:
    """In the room's folder; results are in mutmut's own files there."""
    set_mutant_under_test("mutant_generation")
    copy_src_dir()
    create_mutants(at_once)
    known = Path(f"coverage-{fingerprint[:16]}.json").absolute()
    again = not known.exists()
    for path in walk_mutatable_files():
        data = _mutants_of(path)
        if again:
            codes = data.exit_code_by_key
            data.exit_code_by_key = {key: None if code in UNNOTICED else code for key, code in codes.items()}
        data.save()
    config()
    trial = Trial(known, at_once)
    os.chdir("mutants")
    set_mutant_under_test("")
    options = [
        "--rootdir=.",
        "-q",
        "--capture=no",
        "-p",
        "no:cacheprovider",
        "-m",
        "not hypothesis and not integration",
        *(f"--deselect={test}" for test in READ_THE_CODE),
    ]
    code = int(pytest.main([*options, *tests], plugins=[trial]))
    os.chdir("..")
    if code == 0:
        Path(OUTCOME).write_text(
            json.dumps({str(path): _outcome(path) for path in walk_mutatable_files()}), "utf-8"
        )
    return code


def _outcome(path: Path) -> tuple[int, list[str]]:
    """How many mutants a module has, and which of them survived."""
    codes = _mutants_of(path).exit_code_by_key
    return len(codes), [str(_survivor(path, mutant)) for mutant, code in codes.items() if code in UNNOTICED]


def _survivor(path: Path, mutant: str) -> Survivor:
    name, kind = orig_function_and_class_names_from_key(mutant)
    changed = get_diff_for_mutant(mutant, path=path).splitlines()[2:]
    was, becomes = (" ".join(line[1:].strip() for line in changed if line.startswith(sign)) for sign in "-+")
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return Survivor(f"{module}:{kind}.{name}" if kind else f"{module}:{name}", was, becomes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
