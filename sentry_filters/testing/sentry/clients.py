"""The Sentry clients of a process, and what stands before their transports."""

from __future__ import annotations

import gc
from typing import cast

from sentry_sdk.client import BaseClient, NonRecordingClient
from sentry_sdk.transport import Transport

from sentry_filters.guard import SessionGuard, parts_of
from sentry_filters.sentry import GuardedTransport


def bypass_of(transport: Transport, guard: SessionGuard) -> str:
    """Return how `transport` bypasses `guard`; nothing where it is behind it."""
    kind = type(transport)
    if not issubclass(kind, GuardedTransport):
        return f"{kind.__name__} is not behind the guard; pass the options of guard.sentry_options()"
    if not cast("GuardedTransport", transport).is_behind(parts_of(guard).boundary):
        return "it is behind another guard"
    return ""


def other_clients(client: BaseClient) -> list[BaseClient]:
    """Return the other clients of this process that could send something, in whatever scope they are."""
    found = _clients_but(client)
    if found:
        found.clear()
        gc.collect()  # one that a second init() has replaced is only waiting for this
        found = _clients_but(client)
    return found


def _clients_but(client: BaseClient) -> list[BaseClient]:
    # By their real types: an isinstance over all objects would wake lazy ones up.
    return [
        one
        for kind in _kinds(BaseClient)
        for one in gc.get_referrers(kind)
        if type(one) is kind and one is not client and _can_send(one)
    ]


def _kinds(kind: type[BaseClient]) -> list[type[BaseClient]]:
    below = [deeper for sub in kind.__subclasses__() for deeper in _kinds(sub)]
    return [one for one in (kind, *below) if not issubclass(one, NonRecordingClient)]


def _can_send(client: BaseClient) -> bool:
    return client.transport is not None or client.spotlight is not None
