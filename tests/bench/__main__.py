"""`python -m tests.bench [NAME …]`: what everything costs, as ratios of one run."""

from __future__ import annotations

import importlib
import platform
import sys

BENCHES = ("sentry", "redaction", "otel", "audit", "shared")


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; non-zero where a ratio is over what is allowed."""
    print(f"CPython {platform.python_version()}, {platform.machine()}")  # noqa: T201 - a command
    # Each is a module, imported only when it runs: what one peer loads is no weight on the others.
    fine = [importlib.import_module(f"tests.bench.{name}").run() for name in names or BENCHES]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
