"""Folders and files that a program finds read-only, whoever runs the tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.services import require


def bound_by_permissions() -> list[str]:
    """Return the prefix that makes a command respect permissions, which root does not by itself."""
    if os.geteuid():
        return []
    require(
        shutil.which("setpriv"), "setpriv is not installed, and root heeds no permission: install util-linux"
    )
    return ["setpriv", "--bounding-set=-dac_override"]


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder and the files in it read-only for the duration of a block."""
    files = [path for path in folder.iterdir() if path.is_file()]
    for file in files:
        file.chmod(0o444)
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)
        for file in files:
            file.chmod(0o644)
