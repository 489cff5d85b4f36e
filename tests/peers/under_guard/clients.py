"""Every client of httpx, httpx2 and requests is instrumented, once it is made."""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Final

import pytest

from .guarded import Guarded, after_init

CLASSES: Final = (
    "httpx:Client",
    "httpx:AsyncClient",
    "httpx2:Client",
    "httpx2:AsyncClient",
    "requests:Session",
)


def pytest_configure(config: pytest.Config) -> None:
    """Wrap the classes that are installed, and add the plugin."""
    guarded = Guarded(one_for_all=True)
    config.pluginmanager.register(guarded)
    for place in CLASSES:
        module, _, name = place.partition(":")
        with suppress(ModuleNotFoundError):
            cls = getattr(importlib.import_module(module), name)
            after_init(cls, lambda client: guarded.guard.instrument(client))
