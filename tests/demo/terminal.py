"""`python -m tests.demo.terminal FILE`: what `sentry-filters demo` prints, as a picture of a terminal."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

_WIDTH = 100  # characters
_ELSEWHERE = re.compile(r"@font-face \{.*?\}\n?|<!-- .*? -->\n?", re.DOTALL)
"""What rich writes into it that names other hosts."""


def picture(shown: str, command: Sequence[str]) -> str:
    """Run a command, and return an SVG of a terminal in which it was typed.

    Args:
        shown: The command as somebody types it.
        command: What is run.

    Raises:
        subprocess.CalledProcessError: It fails.
    """
    environ = os.environ | {"COLUMNS": str(_WIDTH), "FORCE_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environ, text=True, check=True, timeout=300)
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(f"[bold green]$[/] [bold]{shown}[/]")
    console.print(Text.from_ansi(done.stdout))
    made = _ELSEWHERE.sub("", console.export_svg(title="", unique_id="terminal"))
    made = made.replace("Fira Code", "ui-monospace")
    return "\n".join(line.rstrip() for line in made.splitlines() if line.strip()) + "\n"


def main(file: Path) -> None:
    """Write the demo's picture."""
    command = [sys.executable, "-m", "sentry_filters", "demo"]
    file.write_text(picture("sentry-filters demo", command), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
