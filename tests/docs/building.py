"""The site, built and served for as long as it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.docs.pages import ROOT

_NOWHERE = "http://127.0.0.1:9"  # whoever looks beyond this machine while building fails


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site into a folder, offline, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", "docs/site/mkdocs.yml", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "https_proxy": _NOWHERE, "http_proxy": _NOWHERE},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class _Quiet(SimpleHTTPRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep what was asked for to itself."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine, and yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
