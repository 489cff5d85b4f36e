"""The OpenTelemetry edge: the folder `otel/` that was installed beside this package.

Its modules exist once, as `sentry_filters.otel…`: this package takes the folder as its own and runs the
folder's `__init__.py`. Imported as `otel`, that file puts this package in its own place, and the finder below
leads from `otel.…` to here. An application's own `otel` that comes first on the path is left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what type checkers find by this name
    from otel import *  # noqa: F403 - its `__all__` is this one's


class _AliasFinder(MetaPathFinder, Loader):
    """Finds `sentry_filters.otel.x` where `otel.x` is imported from the folder."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).resolve()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if not fullname.startswith("otel.") or not path:
            return None
        if not Path(path[0]).resolve().is_relative_to(self._folder):
            return None
        return ModuleSpec(fullname, self) if find_spec(f"sentry_filters.{fullname}") is not None else None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = import_module(f"sentry_filters.{module.__name__}")


def _load() -> None:
    module, beside = sys.modules[__name__], str(Path(__file__).parents[2])
    folder = PathFinder.find_spec(__name__, [beside])
    if folder is None or folder.loader is None or not folder.submodule_search_locations:
        raise ModuleNotFoundError(f"no package 'otel' beside sentry_filters in {beside}", name=__name__)
    module.__path__ = folder.submodule_search_locations
    sys.meta_path.insert(0, _AliasFinder(module.__path__[0]))
    folder.loader.exec_module(module)


_load()
