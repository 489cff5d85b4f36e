"""A process ends as it would without a redactor, whatever its daemon threads are doing."""

from __future__ import annotations

import subprocess
import sys

import pytest

_REDACTING = """
import atexit, random, threading, time
import opentelemetry  # whatever came before
from sentry_filters import Redactor

redactor, began, refused = Redactor(), threading.Event(), []

def redact_for_ever():
    while True:
        try:
            redactor.redact(f"{random.getrandbits(2600):x} " * 50)
        except RuntimeError:
            refused.append(1)
            return
        began.set()

def at_exit():
    text = redactor.redact("password=correct-horse-battery")
    print("correct-horse" not in text, len(refused))

atexit.register(at_exit)
for _ in range(3):
    threading.Thread(target=redact_for_ever, daemon=True).start()
began.wait(20.0)
"""


@pytest.mark.parametrize("attempt", range(3))
def test_daemon_threads_that_redact_at_the_exit_do_not_abort_the_process(attempt: int) -> None:
    ended = subprocess.run([sys.executable, "-c", _REDACTING], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
    # Whoever redacts at the exit, and began after the package was imported, still can.
    assert ended.stdout == "True 0\n"
