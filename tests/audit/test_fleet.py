"""docs/fleet.md and the import of Sentry's dashboard: what they say is so, and what they tell to run runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sentry_filters.core.counters import LABELS
from tests.otel.instrumented import require_group
from tests.support.otlp import OTLPReceiver
from tests.support.services import require

DASHBOARDS = Path(__file__).resolve().parents[2] / "dashboards"  # with what tests and generates them
CHECKOUT = DASHBOARDS.parent
PAGE = (CHECKOUT / "docs" / "fleet.md").read_text("utf-8")
RULES = (DASHBOARDS / "prometheus" / "sentry_filters.rules.yml").read_text("utf-8")
HOW_TO_IMPORT = (DASHBOARDS / "sentry" / "README.md").read_text("utf-8")
END = """
guard.report("rejected", operation="chat", provider="OpenHuman", status=401)
guard.bus.flush()
meter_provider.shutdown()
logger_provider.shutdown()
"""


def table(after: str) -> list[list[str]]:
    """Return the cells of the table under a heading, as plain text."""
    _, found, rest = PAGE.partition(f"\n## {after}\n")
    assert found
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_the_document_lists_every_counter_with_its_attributes() -> None:
    rows = table("What is exported")
    counters = {row[0]: [label for label in row[2].split(", ") if label] for row in rows}

    assert counters.pop("sentry_filters.gate.closed") == []
    assert counters == {f"sentry_filters.{name}": [*labels] for name, labels in LABELS.items()}
    for name, scraped, *_ in rows:
        assert scraped.removesuffix("_total") == name.replace(".", "_")


def test_the_document_lists_every_alert_with_its_severity() -> None:
    alerts = re.findall(r"- alert: (\w+)\n(?:.*\n)*?\s+severity: (\w+)\n", RULES)

    assert len(alerts) > 5
    assert sorted((row[0], row[1]) for row in table("Prometheus")) == sorted(alerts)


def test_the_document_and_the_dashboards_name_files_that_exist() -> None:
    named = re.findall(r"(?<![/\w])dashboards/[\w./]+\w", PAGE)
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)

    assert [path for path in named if not (CHECKOUT / path).exists()] == []
    assert [path for path in links if not (CHECKOUT / "docs" / path).exists()] == []


@pytest.mark.integration
def test_the_documents_setup_sends_counters_and_events(tmp_path: Path) -> None:
    require_group()
    [setup] = re.findall(r"<!-- snippet: fleet -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    script = tmp_path / "app.py"
    script.write_text(setup + END, "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SENTRY_"))}

    with OTLPReceiver() as receiver:
        subprocess.run(
            [sys.executable, "-W", "ignore", script],
            env={**kept, "PYTHONPATH": str(CHECKOUT), "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url},
            timeout=60,
            check=True,
        )
        metrics = {metric.name for metric in receiver.metrics}
        events = {record.event_name for record in receiver.logs}

    assert {"sentry_filters.decisions", "sentry_filters.violations", "sentry_filters.gate.closed"} <= metrics
    assert events == {"sentry_filters.decision", "session.expired"}


@pytest.mark.integration
def test_the_import_posts_the_dashboard_and_every_search_for_the_users_backend(tmp_path: Path) -> None:
    for program in ("curl", "jq"):
        require(shutil.which(program), f"run `apt-get install {program}`: there is no program `{program}`")
    [script] = re.findall(r"```sh\n(.*?)```", HOW_TO_IMPORT, re.DOTALL)

    with OTLPReceiver() as receiver:  # takes any POST
        subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script.replace("https://sentry.io", receiver.url)],
            env={
                "PATH": os.environ["PATH"],
                "ORGANIZATION": "shop",
                "TOKEN": "t",
                "PROVIDER": "Acme",
                "NO_PROXY": "*",
            },
            cwd=CHECKOUT,
            timeout=60,
            check=True,
        )
        posted = [(one.path, json.loads(one.body)) for one in receiver.posted]

    searches = json.loads((DASHBOARDS / "sentry" / "searches.json").read_text())
    assert [path for path, _ in posted] == [
        "/api/0/organizations/shop/dashboards/",
        *["/api/0/organizations/shop/discover/saved/"] * len(searches),
    ]
    assert [body["name"] for _, body in posted[1:]] == [search["name"] for search in searches]
    assert "OpenHuman" not in json.dumps(posted)
    assert "provider:Acme" in json.dumps(posted)
