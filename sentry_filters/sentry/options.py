"""The options for `sentry_sdk.init`, with the guard's hooks and transport composed into the user's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from sentry_sdk.spotlight import DEFAULT_SPOTLIGHT_URL

from sentry_filters.sentry.before_send import Hook, SentryHooks, chained
from sentry_filters.sentry.boundary import Boundary
from sentry_filters.sentry.transport import guarded_transport

_HOOKS = ("before_send", "before_send_transaction", "before_send_log", "before_send_metric")
_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0", ""})


def composed_options(
    hooks: SentryHooks, boundary: Boundary, options: Mapping[str, Any], *, own: Hook
) -> dict[str, Any]:
    """Return `options` with hooks chained, the transport behind the boundary, and Spotlight inside it.

    The SDK would hand Spotlight raw envelopes before any transport sees them, so it is switched off there
    and served by the guarded transport.

    Args:
        hooks: Recognise, and run before the user's own.
        boundary: Redacts what is exported.
        options: The user's options.
        own: The guard's `before_send`: among the options it means nothing more than no hook at all.
    """
    composed = dict(options)
    experiments = options.get("_experiments") or {}
    for name in _HOOKS:
        users = options.get(name) or experiments.get(name)
        composed[name] = chained(getattr(hooks, name), None if users == own else users)
    composed["spotlight"] = False
    composed["transport"] = guarded_transport(
        boundary,
        options.get("transport"),
        spotlight_url(options.get("spotlight"), os.environ),
        without_dsn="dsn" in options and not options["dsn"] and not os.environ.get("SENTRY_DSN"),
    )
    return composed


def spotlight_url(option: object, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the Spotlight sidecar, None where it is off, by the same rules as the SDK's own.

    Source: develop.sentry.dev/sdk/expected-features/spotlight, "Precedence rules".

    Args:
        option: The user's `spotlight` option; it wins over the variable, but `True` takes its URL.
        environ: Holds `SENTRY_SPOTLIGHT`: a URL, or a word for yes or no.
    """
    if option is False:
        return None
    if isinstance(option, str):
        return option
    variable = environ.get("SENTRY_SPOTLIGHT", "")
    word = variable.strip().lower()
    if word and word not in _TRUE | _FALSE:
        return variable
    return DEFAULT_SPOTLIGHT_URL if option is True or word in _TRUE else None
