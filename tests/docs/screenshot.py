"""`python -m tests.docs.screenshot docs/site.png`: the site's start page, as a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.docs.building import build, serving
from tests.support.chromium import chromium, visiting


def main(picture: Path) -> None:
    """Build the site, open it, and take the picture."""
    with TemporaryDirectory() as folder:
        build(Path(folder)).check_returncode()
        with serving(Path(folder)) as url, chromium() as browser, visiting(browser) as visit:
            visit.go(url)
            visit.page.screenshot(path=picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
