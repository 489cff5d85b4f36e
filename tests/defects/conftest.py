"""One backend for all applications; guards that are made quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sentry_filters.redaction import regex
from tests.certainty.worker import compiled_once
from tests.support.backend import LLMBackend


@pytest.fixture(scope="module")
def hosted() -> Iterator[LLMBackend]:
    """The hosted backend."""
    with LLMBackend() as backend:
        yield backend


@pytest.fixture(scope="module")
def compiled() -> Callable[..., Any]:
    """What compiles a pattern once."""
    return compiled_once()


@pytest.fixture(autouse=True)
def patterns_are_compiled_once(monkeypatch: pytest.MonkeyPatch, compiled: Callable[..., Any]) -> None:
    """Make the guards of this process quickly."""
    monkeypatch.setattr(regex, "_compiled", compiled)
