"""An environment of its own, with what a `pip install` of the documents installs."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from tests.support.services import require

_CHECKOUT = Path(__file__).resolve().parents[2]


def installed(folder: Path, command: str) -> Path:
    """Run a documented `pip install` of the checkout in a new environment, and return its Python.

    uv, which takes the same arguments, stands in for pip: it is quicker.

    Args:
        folder: Where the environment is made.
        command: Such as `pip install '.[audit]' openai`.

    Raises:
        AssertionError: It fails; the message is uv's.
    """
    uv = Path(sys.executable).parent / "uv"
    require(uv.exists(), "There is no uv beside Python: make lint, or pip install uv.")
    python = folder / "bin" / "python"
    pip, install, *what = shlex.split(command, comments=True)
    assert (pip, install) == ("pip", "install"), command
    anew = ["--reinstall-package", "sentry-filters"]  # as it is now, not as it was built before
    for arguments in (
        ["venv", "--python", sys.executable, str(folder)],
        ["pip", "install", "--python", str(python), *anew, *what],
    ):
        done = subprocess.run([uv, *arguments], cwd=_CHECKOUT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return python
