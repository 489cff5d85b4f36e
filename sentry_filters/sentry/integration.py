"""The guard in Sentry's list of integrations: for those who switch on there what records their calls."""

from __future__ import annotations

from collections.abc import Callable

from sentry_sdk.integrations import Integration


class GuardIntegration(Integration):
    """Records all HTTP calls for a guard from the moment it is made.

    Not in `setup_once`: the SDK calls that once in a process, and each guard records by itself.

    Args:
        instrument: `SessionGuard.instrument`.
    """

    identifier = "sentry_filters"

    def __init__(self, instrument: Callable[[], None]) -> None:
        instrument()

    @staticmethod
    def setup_once() -> None:
        """Do nothing: see the class."""
