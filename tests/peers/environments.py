"""The source distributions, and the environments that their tests run in: all under .cache/peers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.peers.suites import Suite

CHECKOUT: Final = Path(__file__).resolve().parents[2]
CACHE: Final = CHECKOUT / ".cache" / "peers"
_TOO: Final = ("pytest", "pytest-timeout")


class Unavailable(Exception):
    """A suite that cannot be run here.

    Args:
        why: In words for the page.
        output: The last line of the command that failed, which may name this machine.
    """

    def __init__(self, why: str, output: str = "") -> None:
        super().__init__(why)
        self.output = output


@dataclass(frozen=True, slots=True)
class Installed:
    """A suite that can be run.

    Args:
        python: The interpreter of its environment.
        folder: Its unpacked source distribution.
        version: The version of its package.
    """

    python: Path
    folder: Path
    version: str


def installed(suite: Suite, wheel: Path) -> Installed:
    """Download a suite, and make its environment; what is there already is used.

    Args:
        suite: What to install.
        wheel: Our own package: a checkout on the path would hide the suite's `tests`.

    Raises:
        Unavailable: The index does not have it, or it does not install.
    """
    folder = _unpacked(suite.package)
    version = folder.name.rpartition("-")[2]
    missing = [path for path in suite.paths if not (folder / path).exists()]
    if missing:
        raise Unavailable(f"its source distribution has no {', '.join(missing)}")
    venv = CHECKOUT / f".venv-peers-{suite.name}"
    python = venv / "bin" / "python"
    install = (_uv(), "pip", "install", "--quiet", "--python", str(python))
    wanted = "\n".join((f"{suite.package}=={version}", *suite.needs.split(), *_TOO))
    made = venv / ".made"
    if not made.exists() or made.read_text("utf-8") != wanted:
        _run(
            "its environment cannot be made",
            _uv(),
            "venv",
            "--quiet",
            "--clear",
            "--python",
            sys.executable,
            str(venv),
        )
        _run("its requirements do not install", *install, *wanted.splitlines(), str(wheel))
        made.write_text(wanted, "utf-8")
    else:
        _run("our package does not install", *install, "--no-deps", "--reinstall", str(wheel))
    return Installed(python, folder, version)


def built() -> Path:
    """Build our package, and return its wheel."""
    folder = CACHE / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    _run(
        "our package cannot be built",
        _uv(),
        "build",
        "--quiet",
        "--wheel",
        "--out-dir",
        str(folder),
        str(CHECKOUT),
    )
    return next(folder.glob("*.whl"))


def _unpacked(package: str) -> Path:
    archives = CACHE / "archives" / package
    if not list(archives.glob("*.tar.gz")):
        archives.mkdir(parents=True, exist_ok=True)
        download = ("download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(archives))
        _run("it cannot be downloaded", sys.executable, "-m", "pip", *download, package)
    archive = next(archives.glob("*.tar.gz"))
    folder = CACHE / "unpacked" / archive.name.removesuffix(".tar.gz")
    if not folder.exists():
        with tarfile.open(archive) as opened:
            opened.extractall(folder.parent, filter="data")
    return folder


def _uv() -> str:
    return shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"


def _run(otherwise: str, *command: str) -> None:
    """Run a command of pip's or uv's.

    Raises:
        Unavailable: It fails; `otherwise` says what that means.
    """
    environ = {**os.environ, "UV_LINK_MODE": "copy"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        raise Unavailable(otherwise, (done.stderr.strip().splitlines() or [""])[-1])
