"""How long a process waits before it tries Redis again: longer each time, and each process otherwise."""

from __future__ import annotations

import random

_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 5.0


class Backoff:
    """Doubles from 0.1 s to 5 s, with jitter: thousands of processes must not come back in one moment."""

    def __init__(self) -> None:
        self._failures = 0

    def failed(self) -> float:
        """Return the seconds to wait after one more failure."""
        longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(self._failures, 10))
        self._failures += 1
        return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, guards nothing

    def succeeded(self) -> None:
        """Begin again with the shortest wait."""
        self._failures = 0
