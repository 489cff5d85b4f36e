from __future__ import annotations

import threading
from collections.abc import Callable

import pytest


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """How long was to be waited for a condition, each time; nobody does."""
    asked: list[float | None] = []

    def wait_for(_self: object, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        asked.append(timeout)
        return predicate()

    monkeypatch.setattr(threading.Condition, "wait_for", wait_for)
    return asked
