"""Go's own `regexp`, which is what a Collector runs: a small program, built once, asked over pipes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_name("go") / "main.go"


@dataclass(frozen=True, slots=True)
class Answer:
    """What Go made of some texts.

    Args:
        replaced: Each text after `replace_pattern` by every expression.
        masked: Each text after the redaction processor's masking.
        matches: For each expression, which texts it matches.
    """

    replaced: tuple[str, ...]
    masked: tuple[str, ...]
    matches: tuple[tuple[bool, ...], ...]


class PatternError(Exception):
    """Go refuses an expression; the message says why."""


class GoRegexp:
    """The built program.

    Args:
        folder: Where it is built, with the cache that building needs.
    """

    def __init__(self, folder: Path) -> None:
        self._binary = folder / "regexp"
        # Nothing is downloaded: the program uses the standard library only.
        environ = {
            **os.environ,
            "GOCACHE": str(folder / "cache"),
            "GOPATH": str(folder / "path"),
            "GOFLAGS": "",
            "GOPROXY": "off",
            "GOTOOLCHAIN": "local",
            "GO111MODULE": "off",
            "CGO_ENABLED": "0",
        }
        command = [str(compiler()), "build", "-o", str(self._binary), str(_SOURCE)]
        subprocess.run(command, env=environ, cwd=folder, check=True, timeout=300)

    def ask(self, patterns: Sequence[str], texts: Sequence[str], replacement: str = "") -> Answer:
        """Apply `patterns` to each of `texts`; PatternError where Go refuses one."""
        request = {"patterns": list(patterns), "texts": list(texts), "replacement": replacement}
        done = subprocess.run(
            [str(self._binary)],
            input=json.dumps(request).encode(),
            capture_output=True,
            check=False,
            timeout=120,
        )
        if done.returncode != 0:
            raise PatternError(done.stderr.decode().strip())
        told = json.loads(done.stdout)
        return Answer(
            tuple(told["replaced"]), tuple(told["masked"]), tuple(tuple(row) for row in told["matches"] or ())
        )


def compiler() -> Path | None:
    """Return Go's compiler, beside this Python or on the path."""
    beside = Path(sys.executable).with_name("go")
    found = str(beside) if beside.exists() else shutil.which("go")
    return None if found is None else Path(found)
