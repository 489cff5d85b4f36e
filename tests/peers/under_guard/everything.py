"""All HTTP calls of the process are instrumented: `guard.instrument()`."""

from __future__ import annotations

import pytest

from .guarded import Guarded


class _Instrumented(Guarded):
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Instrument all again: tests reload and replace modules."""
        super().pytest_runtest_setup()
        self.guard.instrument()


def pytest_configure(config: pytest.Config) -> None:
    """Instrument before the suite is imported, and add the plugin."""
    instrumented = _Instrumented(one_for_all=True)
    config.pluginmanager.register(instrumented)
    instrumented.guard.instrument()
