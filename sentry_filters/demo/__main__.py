"""`python -m sentry_filters.demo [LEDGER]`: one side of the demo as JSON, filtered where LEDGER is given."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from sentry_filters.demo.storm import run_storm

if __name__ == "__main__":
    outcome = run_storm(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    print(json.dumps(asdict(outcome)))  # noqa: T201 - for the process that started this one
