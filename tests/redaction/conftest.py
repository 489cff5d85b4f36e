from __future__ import annotations

import pytest

from sentry_filters.redaction import Redactor


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    """One for a module: a redactor keeps nothing of what it has redacted."""
    return Redactor()
