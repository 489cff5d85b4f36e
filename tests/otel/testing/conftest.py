"""The checks of both edges are tested on the same guard."""

from __future__ import annotations

from tests.testing.conftest import guard, published

__all__ = ["guard", "published"]
