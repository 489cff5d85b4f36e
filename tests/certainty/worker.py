"""A worker process: becomes one application after another, and does what its standard input asks for."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.certainty.application import Application
from tests.certainty.setting import Setting

_ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """One process, as the one that started it sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.certainty.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )

    def say(self, what: str, *arguments: object) -> None:
        """Ask for something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, arguments]) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """Return what came of it.

        Raises:
            AssertionError: It failed there; the message is the traceback.
        """
        assert self._process.stdout is not None
        failed, answer = json.loads(self._process.stdout.readline() or '["the worker has ended", null]')
        assert failed is None, failed
        return answer

    def end(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(15.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _serve() -> None:
    application: Any = None
    for line in sys.stdin:
        what, arguments = json.loads(line)
        answer: list[Any]
        try:
            if what == "becomes":
                application = Application(Setting.of_json(arguments[0]))
                answer = [None, None]
            else:
                answer = [None, getattr(application, what)(*arguments)]
        except Exception:
            answer = [traceback.format_exc(), None]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
