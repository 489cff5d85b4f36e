"""The environments that the frameworks are installed in: those that do not install together apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.frameworks.catalogue import FRAMEWORKS, Environment, Framework

CHECKOUT: Final = Path(__file__).resolve().parents[2]
_TOO = (
    "opentelemetry-proto",
    *(f"opentelemetry-instrumentation-{name}" for name in ("httpx", "requests", "urllib", "urllib3")),
    "opentelemetry-instrumentation-aiohttp-client",
)
# Of these, a release of years ago would agree with everybody's requirements.
_NEWER: Final = MappingProxyType({"crewai": "crewai>=1"})
_ASK = """
import json, sys
from importlib.metadata import PackageNotFoundError, version
def asked(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
print(json.dumps({name: asked(name) for name in sys.argv[1:]}))
"""
# Nothing leaves the machine: the servers are here, and whatever else is asked over TLS meets no proxy.
OFFLINE: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "false",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HF_HUB_OFFLINE": "1",
    "PYTHONWARNINGS": "ignore",
    "PYTHONPATH": str(CHECKOUT),
}


def python_of(environment: Environment) -> Path:
    """Return an environment's interpreter."""
    return CHECKOUT / f".venv-frameworks-{environment}" / "bin" / "python"


def made(environment: Environment) -> dict[str, str]:
    """Make an environment, or complete the one that is there.

    Returns:
        Packages that could not be installed, each with uv's last line about it.
    """
    python = python_of(environment)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    together = [*_TOO, "--editable", str(CHECKOUT)]
    packages = sorted({package for one in _of(environment) for package in one.packages})
    spans = sorted(
        {_distribution(span) for one in _of(environment) for span in one.spans if "openinf" in span}
    )
    wanted = {package: _NEWER.get(package, package) for package in (*packages, *spans)}
    if not _install(python, *together, *wanted.values()):
        return {}
    _install(python, *together)
    failed = {package: _install(python, one) for package, one in wanted.items()}
    return {package: why for package, why in failed.items() if why}


def versions(environment: Environment) -> dict[str, str | None]:
    """Return what is installed of the frameworks' packages, None for what is not."""
    packages = sorted({package for one in _of(environment) for package in one.packages})
    asked = subprocess.run(
        [str(python_of(environment)), "-c", _ASK, *packages], capture_output=True, text=True, check=True
    )
    found: dict[str, str | None] = json.loads(asked.stdout)
    return found


def _of(environment: Environment) -> list[Framework]:
    return [one for one in FRAMEWORKS if one.environment == environment]


def _distribution(span: str) -> str:
    """Return the package that an instrumentation's module comes with."""
    return span.partition(":")[0].replace(".", "-").replace("_", "-")


def _install(python: Path, *packages: str) -> str:
    """Install, and return nothing, or the last line of what went wrong."""
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [str(uv), "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *packages],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "UV_LINK_MODE": "copy"},
    )
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["uv failed"])[-1]
