"""`python -m sentry_filters`: the command line without its script."""

from __future__ import annotations

import sys

from sentry_filters.cli import main

if __name__ == "__main__":
    sys.exit(main())
