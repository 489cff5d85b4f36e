"""The clients and SDKs of the test groups, as `make frameworks` runs them, where they are instrumented."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.frameworks.environments import CHECKOUT, OFFLINE

HERE = (
    "httpx", "httpx, async", "httpx2", "requests", "aiohttp", "urllib3", "urllib.request", "openai",
    "openai, async", "openai, stream", "openai, responses", "openai, embeddings", "anthropic",
)  # fmt: skip
SCENARIOS = ("ours", "third", "fallback")


@pytest.fixture(scope="module")
def cells() -> dict[tuple[str, str], dict[str, Any]]:
    """What came of each, in processes of their own."""
    environ = {**os.environ, **OFFLINE, "CELLS": f"OpenTelemetry, `instrument`/({'|'.join(SCENARIOS)})$"}
    command = [sys.executable, "-m", "tests.frameworks.one", *HERE]
    done = subprocess.run(command, env=environ, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {(cell["framework"], cell["scenario"]): cell for cell in map(json.loads, done.stdout.splitlines())}


@pytest.mark.promise("silence", "third-party")
@pytest.mark.parametrize("name", HERE)
def test_our_session_is_silent_and_a_third_partys_failure_is_not(
    name: str, cells: dict[tuple[str, str], dict[str, Any]]
) -> None:
    ours, third, fallback = (cells[name, scenario] for scenario in SCENARIOS)

    assert [cell.get("fault") for cell in (ours, third, fallback)] == [None] * 3
    assert (ours["events"], ours["other_events"], ours["spans"], ours["other_spans"]) == (0, 0, 0, 0)
    assert (ours["expired"], third["expired"]) == (1, 0)
    for kind in ("events", "other_events", "spans", "other_spans"):
        assert fallback[kind] == third[kind], fallback["told"]
    assert third["events"] + third["other_events"] >= 2, "logged and captured"
    assert third["spans"] + third["other_spans"] > 0
