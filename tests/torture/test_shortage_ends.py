"""A crash is CPython's own only in places where CPython is known to crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture.shortage_ends import is_of_the_interpreter


def crashed_at(line: str, folder: Path) -> tuple[int, str]:
    """Return how a process that crashes in `line` ended, and what it printed."""
    script = folder / "crashes.py"
    script.write_text(
        "import contextvars, faulthandler\nfaulthandler.enable(all_threads=False)\n"
        f"v = contextvars.ContextVar('v')\n{line}\n"
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ("v.set(faulthandler._sigsegv())", True),
        ("v.get(faulthandler._sigsegv())", False),
        ("v.set(1 / 0)", False),
    ],
)
def test_a_crash_is_known_by_its_line(line: str, known: bool, tmp_path: Path) -> None:
    assert is_of_the_interpreter(*crashed_at(line, tmp_path)) is known


def test_last_words_are_known() -> None:
    assert is_of_the_interpreter(-6, "Fatal: cannot allocate memory for thread-local data: ABORT\n")
    assert not is_of_the_interpreter(-6, "terminate called after throwing an instance of 'std::bad_alloc'\n")
    assert not is_of_the_interpreter(-11, "")
