"""requests: its calls are seen in `http.client`; here is what one session's calls are told from others by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

from sentry_filters.http.seams import Library, Method


class Requests(Library):
    """Sessions of requests."""

    modules = ("requests",)
    accepts = "a Session of requests"

    def seams(self, module: ModuleType) -> Sequence[tuple[type, str, Callable[[Method], Method]]]:
        """Return the method that sends, redirects and the session's own retries included."""
        return [(module.Session, "send", self.watched.opened)]

    def takes(self, client: object) -> bool:
        """Say whether it is a session."""
        return isinstance(client, self.classes("Session"))
