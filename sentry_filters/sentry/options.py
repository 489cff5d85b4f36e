"""The options for `sentry_sdk.init`, with the guard's hooks and transport composed into the user's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from sentry_filters.sentry.before_send import Hook, SentryHooks, chained
from sentry_filters.sentry.boundary import Boundary
from sentry_filters.sentry.spotlight import spotlight_url
from sentry_filters.sentry.standalone import StandaloneHooks
from sentry_filters.sentry.transport import guarded_transport

_HOOKS = ("before_send", "before_send_transaction", "before_send_log", "before_send_metric")
# The SDK lets no hook drop a streamed span, and breadcrumbs are no evidence: only the user's own, if any.
_PASSED_ON = ("before_send_span", "before_breadcrumb")


def composed_options(hooks: SentryHooks, boundary: Boundary, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return `options` with hooks chained, the transport behind the boundary, and Spotlight inside it.

    The SDK would hand Spotlight raw envelopes before any transport sees them, so it is switched off there
    and served by the guarded transport.

    Args:
        hooks: Recognise, and run before the user's own.
        boundary: Redacts what leaves.
        options: The user's options.
    """
    composed = dict(options)
    experiments = options.get("_experiments") or {}
    for name in _HOOKS:
        users = options.get(name) or experiments.get(name)
        composed[name] = chained(getattr(hooks, name), _users_own(users))
    for name in _PASSED_ON:
        if name in options and _users_own(options[name]) is None:
            composed[name] = None
    url = spotlight_url(options.get("spotlight"), os.environ)
    composed["spotlight"] = False
    composed["transport"] = guarded_transport(
        boundary,
        options.get("transport"),
        url,
        without_dsn="dsn" in options and not options["dsn"] and not os.environ.get("SENTRY_DSN"),
    )
    return composed


def _users_own(hook: Hook | None) -> Hook | None:
    # `sentry_options(before_send=guard.before_send)` means nothing more than sentry_options().
    owner = getattr(hook, "__self__", None)
    return None if isinstance(getattr(owner, "_standalone", None), StandaloneHooks) else hook
