"""The judges: a Bugsink server, and Sentry's own normaliser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec

import pytest

from tests.integration.relay import Relay
from tests.support.bugsink import Bugsink, BugsinkUnavailable, running_bugsink
from tests.support.services import require, unavailable


@pytest.fixture(scope="session")
def bugsink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugsink]:
    """One server for all tests; each creates its own project."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_bugsink(tmp_path_factory.mktemp("bugsink")))
        except BugsinkUnavailable as error:
            unavailable(str(error))
        yield server


@pytest.fixture(scope="session")
def relay() -> Relay:
    """Sentry's own event normaliser."""
    require(find_spec("sentry_relay"), "sentry-relay is not installed; it has wheels for Linux and macOS.")
    return Relay()
