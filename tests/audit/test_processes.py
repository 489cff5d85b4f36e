"""The ledger of several processes, of one that is killed, and on a disk that gives trouble."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.audit import work
from tests.audit.conftest import Ask


def started(task: Callable[..., None], path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.audit.work", task.__name__, str(path), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out, err


def test_100_000_decisions_of_4_processes_are_all_there(path: Path, ask: Ask) -> None:
    processes = [started(work.many, path, "25000") for _ in range(4)]

    lost = [done(process)[0].strip() for process in processes]

    assert lost == ["0"] * 4
    assert ask("SELECT count(*), count(DISTINCT process || trace_id) FROM decisions") == [(100_000, 100_000)]
    assert ask("SELECT count(*) FROM expiries") == [(4,)]
    assert ask("SELECT sum(count) FROM totals WHERE counter = 'decisions'") == [(100_000,)]
    assert ask("PRAGMA integrity_check") == [("ok",)]


def test_a_killed_process_leaves_a_sound_ledger_that_lacks_its_last_moment_only(path: Path, ask: Ask) -> None:
    process = started(work.until_killed, path)
    assert process.stdout is not None
    told = 0
    while told < 5_000:
        told = int(process.stdout.readline())
    written = ask("SELECT count(*) FROM decisions")[0][0]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    told = int(rest.splitlines()[-2]) if len(rest.splitlines()) > 1 else told

    guard = started(work.ends, path)  # the next process opens it and goes on
    done(guard)

    assert ask("PRAGMA integrity_check") == [("ok",)]
    (killed,) = ask("SELECT process FROM decisions ORDER BY id LIMIT 1")[0]
    numbers = [int(one, 16) for (one,) in ask("SELECT trace_id FROM decisions WHERE process = ?", killed)]
    assert numbers == list(range(len(numbers)))  # no hole, nothing twice
    assert written <= len(numbers) <= told + 200
    assert len(numbers) > 1_000
    ((totals,),) = ask("SELECT sum(count) FROM totals WHERE process = ? AND counter = 'decisions'", killed)
    assert totals >= len(numbers)


def test_on_a_full_disk_the_application_goes_on_and_the_loss_is_counted(path: Path, ask: Ask) -> None:
    out, err = done(started(work.on_a_full_disk, path))

    lost = int(out)
    ((rows,),) = ask("SELECT (SELECT count(*) FROM decisions) + (SELECT count(*) FROM expiries)")
    assert lost > 5_000
    assert rows + lost == 10_001
    assert err.count("cannot be written") == 1
    assert ask("PRAGMA integrity_check") == [("ok",)]


def test_in_a_folder_that_is_read_only_the_application_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o555)
    for above in (tmp_path, *tmp_path.parents[:3]):
        above.chmod(above.stat().st_mode | 0o055)

    out, err = done(started(work.while_reading_only, folder / "ledger.db"))

    assert int(out) == 101
    assert err.count("cannot be written") == 1


def test_the_thread_that_decides_does_no_io_for_the_ledger(path: Path, ask: Ask) -> None:
    out, _ = done(started(work.watched, path))

    called = set(out.split()) - {"posix.urandom"}  # the expiry's id
    called -= {"posix.fspath", "posix.getpid"}  # the expiry's WARNING
    assert "None.deque.append" in called
    suspects = ("sqlite3", "posix", "nt.", "_io", "io.", "_socket", "time.sleep", "select")
    assert [name for name in called if name.startswith(suspects)] == []
    assert ask("SELECT count(*) FROM decisions") == [(2_000,)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_children_of_a_fork_write_for_themselves(path: Path, ask: Ask) -> None:
    out, err = done(started(work.forked, path))

    assert out.strip() == "0", err
    assert ask("SELECT count(*), count(DISTINCT process) FROM decisions") == [(8_000, 9)]
    assert ask("PRAGMA integrity_check") == [("ok",)]


def test_what_is_queued_is_written_when_the_interpreter_ends(path: Path, ask: Ask) -> None:
    done(started(work.ends, path))

    assert ask("SELECT count(*) FROM decisions") == [(100,)]


def test_a_reader_sees_a_ledger_that_is_being_written(path: Path) -> None:
    process = started(work.until_killed, path)
    assert process.stdout is not None
    while int(process.stdout.readline()) < 2_000:
        pass

    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        first = connection.execute("SELECT count(*) FROM decisions").fetchone()[0]
        while connection.execute("SELECT count(*) FROM decisions").fetchone()[0] <= first:
            process.stdout.readline()

    process.kill()
    process.communicate()
