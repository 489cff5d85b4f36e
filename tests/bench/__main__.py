"""`python -m tests.bench [NAME …]`: what everything costs, as ratios of one run."""

from __future__ import annotations

import importlib
import platform
import sys

from tests.bench.table import show

BENCHES = {"sentry": "The Sentry edge, healthy event of 40 KB"}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; non-zero where a ratio is over what is allowed."""
    print(f"CPython {platform.python_version()}, {platform.machine()}")  # noqa: T201
    fine = [
        show(BENCHES[name], importlib.import_module(f"tests.bench.{name}").rows())
        for name in names or BENCHES
    ]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
