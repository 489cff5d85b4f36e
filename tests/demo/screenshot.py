"""`python -m tests.demo.screenshot FILE`: the dashboard of the demo's day, as a picture for the README."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.demo.day import write_day
from tests.support.chromium import chromium, visiting

_WIDTH, _HEIGHT = 1280, 1140


def main(picture: Path) -> None:
    """Write a day, serve it, and take the picture."""
    with TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.db"
        write_day(ledger)
        command = [sys.executable, "-m", "sentry_filters", "dashboard", ledger.name, "--no-browser"]
        with subprocess.Popen(
            [*command, "--since", "2d"], cwd=folder, stdout=subprocess.PIPE, text=True
        ) as served:
            try:
                said = served.stdout.readline() if served.stdout else ""
                address = next(word for word in said.split() if word.startswith("http"))
                with chromium() as browser, visiting(browser, width=_WIDTH, height=_HEIGHT) as visit:
                    visit.go(address)
                    visit.page.screenshot(path=picture)
            finally:
                served.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
