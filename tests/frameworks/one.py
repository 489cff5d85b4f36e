"""`python -m tests.frameworks.one NAME…`: all cells of frameworks, each in its own process, as JSON lines."""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import asdict
from pathlib import Path

from sentry_sdk.integrations import _AUTO_ENABLING_INTEGRATIONS
from sentry_sdk.utils import _get_installed_modules

from tests.frameworks import cell
from tests.frameworks.catalogue import FRAMEWORKS, SCENARIOS, SET_UPS, Framework, Scenario, SetUp
from tests.frameworks.tracing import HTTP

SECONDS = 60
GUARDED = {False: (False, True), True: (True,)}
"""Whether there is a guard, by whether it instruments; without one is what there would be to silence."""


def main(*names: str) -> None:
    """Print what came of each cell.

    `CELLS`, a regular expression for `framework/set-up/scenario`, chooses among them; `SHOW=1` shows output.
    """
    frameworks = [one for one in FRAMEWORKS if one.name in names]
    for module in sorted({module for one in frameworks for module in one.imports}):
        _import(module)
    for module in _AUTO_ENABLING_INTEGRATIONS:
        _import(module.rpartition(".")[0])
    for name in (*HTTP, *(span for one in frameworks for span in one.spans)):
        _import(name.partition(":")[0])
    _get_installed_modules()  # Sentry reads them once a process
    gc.collect()
    gc.freeze()  # what is collected in a child is its own: it shares the rest
    for framework in frameworks:
        for set_up in SET_UPS:
            for guarded in GUARDED[set_up.instruments]:
                for scenario in SCENARIOS:
                    if re.search(os.environ.get("CELLS", ""), f"{framework.name}/{set_up.name}/{scenario}"):
                        _print(framework, set_up, scenario, guarded=guarded)


def _import(module: str) -> None:
    try:
        importlib.import_module(module)
    except Exception:  # what is not installed, or cannot be imported, fails when it is called
        return


def _print(framework: Framework, set_up: SetUp, scenario: Scenario, *, guarded: bool) -> None:
    found = _in_child(framework, set_up, scenario, guarded=guarded)
    line = {
        "framework": framework.name,
        "set_up": set_up.name,
        "scenario": scenario,
        "guarded": guarded,
        **found,
    }
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


def _in_child(framework: Framework, set_up: SetUp, scenario: Scenario, *, guarded: bool) -> dict[str, object]:
    """Fork: the framework is imported once, and yet each cell starts afresh."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        child = os.fork()
        if child == 0:
            _be_child(result, framework, set_up, scenario, guarded=guarded)
        latest = time.monotonic() + SECONDS
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > latest:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return {"fault": f"not done after {SECONDS} s"}
            time.sleep(0.02)
        found: dict[str, object] = (
            json.loads(result.read_text()) if result.exists() else {"fault": "the process died"}
        )
        return found


def _be_child(
    result: Path, framework: Framework, set_up: SetUp, scenario: Scenario, *, guarded: bool
) -> None:
    noise = os.open(os.devnull, os.O_WRONLY)
    if "SHOW" not in os.environ:
        os.dup2(noise, 1)
        os.dup2(noise, 2)
    try:
        found: dict[str, object] = asdict(cell.run(framework, set_up, scenario, guarded=guarded))
    except BaseException:
        found = {"fault": traceback.format_exc()[-2_000:]}
    written = result.with_suffix(".part")
    written.write_text(json.dumps(found))
    written.rename(result)
    os._exit(0)  # whatever threads the framework has left


if __name__ == "__main__":
    main(*sys.argv[1:])
