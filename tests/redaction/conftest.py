from __future__ import annotations

import pytest

from sentry_filters.redaction import Redactor


@pytest.fixture(scope="session", autouse=True)
def warmed() -> Redactor:
    """What is compiled once a process takes no part of the time that the first test may take."""
    redactor = Redactor()
    redactor.warm().join()
    return redactor  # while it lives, others share what it has compiled


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    """One for a module: a redactor keeps nothing of what it has redacted."""
    return Redactor()
