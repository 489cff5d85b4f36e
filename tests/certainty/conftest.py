"""Eight worker processes and a Redis, once for all rows; guards that are made quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sentry_filters.redaction import regex
from tests.certainty.deployment import Workers
from tests.certainty.worker import compiled_once


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """The processes of the set-up with Redis."""
    with Workers(tmp_path_factory.mktemp("redis")) as workers:
        yield workers


@pytest.fixture(scope="session")
def compiled() -> Callable[..., Any]:
    """What compiles a pattern once."""
    return compiled_once()


@pytest.fixture(autouse=True)
def patterns_are_compiled_once(monkeypatch: pytest.MonkeyPatch, compiled: Callable[..., Any]) -> None:
    """Make the guards of this process quickly."""
    monkeypatch.setattr(regex, "_compiled", compiled)
