"""`python -m tests.demo.screenshot FILE`: the demo's day for the documents, as pictures.

`FILE.png` is the dashboard in a browser, `FILE.svg` the audit in a terminal.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import NIGHT_OWLISH
from rich.text import Text

from sentry_filters.audit import load_queries
from tests.demo.day import write_day
from tests.support.chromium import chromium, visiting

_WIDTH, _HEIGHT = 1280, 900
_LAST = "#card-failures_by_minute"
_MARGIN = 20
_COLUMNS = 110
_OTHERS = ("drops_by_rule_and_hour", "failures_by_minute", "sessions_to_renewal", "renewal_times", "lost")


def main(picture: Path) -> None:
    """Write a day, and take the picture that the file's suffix asks for."""
    with TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.db"
        write_day(ledger)
        if picture.suffix == ".svg":
            _terminal(ledger, picture)
        else:
            _browser(ledger, picture)


def _browser(ledger: Path, picture: Path) -> None:
    command = [sys.executable, "-m", "sentry_filters", "dashboard", ledger.name, "--no-browser"]
    with subprocess.Popen(command, cwd=ledger.parent, stdout=subprocess.PIPE, text=True) as served:
        try:
            said = served.stdout.readline() if served.stdout else ""
            address = next(word for word in said.split() if word.startswith("http"))
            with chromium() as browser, visiting(browser, width=_WIDTH, height=_HEIGHT) as visit:
                visit.go(address)
                visit.page.wait_for_selector("body.drawn")
                last = visit.page.locator(_LAST).bounding_box()
                end = _HEIGHT if last is None else last["y"] + last["height"] + _MARGIN
                visit.page.set_viewport_size({"width": _WIDTH, "height": round(end)})
                visit.page.screenshot(path=picture)
        finally:
            served.terminate()


def _terminal(ledger: Path, picture: Path) -> None:
    asked = [query.name for query in load_queries() if query.statement or query.name in _OTHERS]
    chosen = [argument for name in asked for argument in ("--query", name)]
    shown = subprocess.run(
        [sys.executable, "-m", "sentry_filters", "audit", ledger.name, *chosen],
        cwd=ledger.parent,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": str(_COLUMNS), "FORCE_COLOR": "1"},
    ).stdout
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=_COLUMNS, file=nowhere)
        console.print(Text.from_ansi(f"$ sentry-filters audit {ledger.name}\n{shown.rstrip()}"))
        drawn = console.export_svg(title="sentry-filters audit", theme=NIGHT_OWLISH)
    # Without the fonts that it would load from elsewhere.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    picture.write_text(f"{drawn.rstrip()}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
