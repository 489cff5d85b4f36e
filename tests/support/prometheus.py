"""A real Prometheus that scrapes what a test serves; every query can choose its moment."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.services import Process, answers, free_port, require

_DEADLINE = 30.0


@dataclass(frozen=True)
class Prometheus:
    """A running server.

    Args:
        url: Its base URL.
    """

    url: str

    def query(self, expression: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """Return the labels and values of an instant query.

        Args:
            expression: PromQL that gives a vector or a scalar.
            at: The moment in seconds since the epoch, now by default.
        """
        result = self._get("query", {"query": expression, **({} if at is None else {"time": str(at)})})
        if result["resultType"] == "scalar":
            return [({}, float(result["result"][1]))]
        return [(one["metric"], float(one["value"][1])) for one in result["result"]]

    def value(self, expression: str, at: float | None = None) -> float:
        """Return the one value of an instant query, 0 if there is none."""
        values = [value for _, value in self.query(expression, at)]
        assert len(values) <= 1, f"{expression}: {values}"
        return values[0] if values else 0.0

    def rules(self) -> list[dict[str, Any]]:
        """Return the groups of rules that it evaluates, with their state."""
        groups: list[dict[str, Any]] = self._get("rules", {})["groups"]
        return groups

    def wait_until(self, expression: str, holds: Callable[[float], bool]) -> None:
        """Wait until the one value of a query, 0 if there is none, satisfies a condition."""
        latest = time.monotonic() + _DEADLINE
        while not holds(value := self.value(expression)):
            assert time.monotonic() < latest, f"{expression} is {value} after {_DEADLINE:g} s"
            time.sleep(0.1)

    def _get(self, what: str, parameters: dict[str, str]) -> Any:
        response = httpx.get(f"{self.url}/api/v1/{what}", params=parameters, trust_env=False)
        answer = response.json()
        assert answer["status"] == "success", f"{parameters}: {answer.get('error')}"
        return answer["data"]


@contextmanager
def prometheus(folder: Path, targets: Sequence[str], rules: Sequence[Path] = ()) -> Iterator[Prometheus]:
    """Run a server that scrapes every second; without one, the test is skipped, or fails in CI.

    Args:
        folder: Where it keeps its data and its log.
        targets: What it scrapes, each as host:port.
        rules: Files of rules that it evaluates.
    """
    program = shutil.which("prometheus")
    require(program, "run `apt-get install prometheus`: there is no program `prometheus`")
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [*targets]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(program),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with Process(
        command,
        ready=answers(f"http://{address}/-/ready"),
        log=folder / "prometheus.log",
        environ=os.environ,
        folder=folder,
    ):
        yield Prometheus(f"http://{address}")
