"""Writes Grafana's dashboards: `python dashboards/grafana/generate.py [FOLDER]`, beside this file by default.

It needs the packages of the group `audit-test`. What it writes is checked in, and a test compares the two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import over_clickhouse
import over_prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder

BUILDERS = {"clickhouse.json": over_clickhouse.build, "prometheus.json": over_prometheus.build}


def main(folder: Path) -> None:
    """Write every dashboard into `folder`."""
    for name, build in BUILDERS.items():
        text = json.dumps(build().build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / name).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
