"""Wheel and sdist as `make dist` builds them, and environments that hold nothing but what is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.services import require

CHECKOUT = Path(__file__).resolve().parents[2]
EPOCH = "1700000000"
"""A SOURCE_DATE_EPOCH: seconds since 1970."""


@dataclass(frozen=True)
class Built:
    """What was built.

    Args:
        wheel: The wheel.
        sdist: The source distribution, as `.tar.gz`.
    """

    wheel: Path
    sdist: Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and commands of it that do not see the checkout.

    Args:
        folder: Where it is.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def run(
        self, command: str, *arguments: str, cwd: Path, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its commands to the end and return its output; it must end with 0.

        Args:
            command: The name of a program in it.
            arguments: Passed to it.
            cwd: Where it runs: not the checkout.
            environ: Added to what the tests' own environment has.
        """
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [str(self.folder / "bin" / command), *arguments],
            env={**without_checkout(os.environ), "PATH": path, **environ},
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


def without_checkout(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which Python finds only what is installed, and OpenTelemetry no settings."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "OTEL_", "SENTRY_")
    return {name: value for name, value in environ.items() if not name.startswith(ours)}


def built(folder: Path, source: Path = CHECKOUT) -> Built:
    """Build the wheel, by way of the sdist, as an index gets them."""
    uv("build", "--quiet", "--out-dir", str(folder), str(source), SOURCE_DATE_EPOCH=EPOCH)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


def installed(folder: Path, *requirements: str) -> Environment:
    """Make an environment with these requirements, such as the path of a wheel, and nothing else."""
    uv("venv", "--quiet", "--python", sys.executable, str(folder))
    environment = Environment(folder)
    uv("pip", "install", "--quiet", "--python", str(environment.python), *requirements)
    return environment


def uv(*arguments: str, **environ: str) -> None:
    """Run uv, which `make` puts into every environment."""
    command = Path(sys.executable).with_name("uv")
    require(command.exists(), "run `pip install uv`: it builds the wheel and installs it")
    done = subprocess.run(
        [str(command), *arguments],
        env={**without_checkout(os.environ), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
