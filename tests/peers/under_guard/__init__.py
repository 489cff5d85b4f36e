"""Pytest plugins that put the guard in the way of a suite that knows nothing of it.

This folder's parent is on the path of the run, not the checkout, whose `tests` would hide the suite's own.
"""

from typing import Final

COUNTED: Final = ("faults", "dropped", "demoted", "withheld", "session_expired")
"""None of it may happen in a suite that never calls the policy's backend."""
USED: Final = "guard"
"""The property of a test in which the guard was put in the way."""
