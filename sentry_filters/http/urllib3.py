"""urllib3: its calls are seen in `http.client`; here is what one pool's calls are told from others by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

from sentry_filters.http.seams import Library, Method


class Urllib3(Library):
    """Pool managers and connection pools of urllib3."""

    modules = ("urllib3",)
    accepts = "a PoolManager or connection pool of urllib3"

    def seams(self, module: ModuleType) -> Sequence[tuple[type, str, Callable[[Method], Method]]]:
        """Return the methods that send; managers hand on to pools, which botocore and requests use, too."""
        around = self.watched.opened
        return [(module.PoolManager, "urlopen", around), (module.HTTPConnectionPool, "urlopen", around)]

    def takes(self, client: object) -> bool:
        """Say whether it is a manager or a pool."""
        return isinstance(client, self.classes("PoolManager", "HTTPConnectionPool"))
