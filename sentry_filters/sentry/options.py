"""The options for `sentry_sdk.init`, with the guard's hooks and transport composed into the user's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from sentry_filters.sentry.before_send import Chained, Hook, SentryHooks
from sentry_filters.sentry.boundary import Boundary
from sentry_filters.sentry.spotlight import spotlight_option, spotlight_url
from sentry_filters.sentry.transport import guarded_spotlight, guarded_transport

_HOOKS = ("before_send", "before_send_transaction", "before_send_log", "before_send_metric")

Own = TypeVar("Own")
Options = ParamSpec("Options")
Composed = TypeVar("Composed")
DecidesBehind = Callable[[object], Hook | None]
"""Returns what decides in the guard that a hook belongs to, None for a hook of the user's."""


def with_options_of(
    init: Callable[Options, object],  # noqa: ARG001 - only its type counts
) -> Callable[[Callable[..., Composed]], Callable[Concatenate[Own, Options], Composed]]:
    """Return a decorator that gives a method the parameters of `init` in the eyes of type checkers.

    They are those of the installed SDK. What is decorated stays as it is.
    """

    def typed(method: Callable[..., Composed]) -> Callable[Concatenate[Own, Options], Composed]:
        return method

    return typed


def with_dsn(dsn: tuple[str | None, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Return `options` with the DSN that was given without its name, if one was.

    Raises:
        TypeError: More than one option is given without its name, or the DSN is given twice.
    """
    if not dsn:
        return options
    if len(dsn) > 1 or "dsn" in options:
        raise TypeError("sentry_options: invalid options; expected one DSN, everything else by name")
    return {**options, "dsn": dsn[0]}


def composed_options(
    hooks: SentryHooks,
    boundary: Boundary,
    options: Mapping[str, Any],
    *,
    own: Hook,
    decides_behind: DecidesBehind,
) -> dict[str, Any]:
    """Return `options` with hooks chained, the transport behind the boundary, and Spotlight inside it.

    The SDK would hand Spotlight raw envelopes before any transport sees them, so it is switched off there
    and served by the guarded transport; without a DSN everything is collected for it, as the SDK does.

    Args:
        hooks: Recognise, and run before the user's own.
        boundary: Redacts what is exported.
        options: The user's options.
        own: The guard's `before_send`: among the options it means nothing more than no hook at all.
        decides_behind: Finds other guards among the user's hooks, which decide about what is dropped, too.
    """
    composed = dict(options)
    experiments = options.get("_experiments") or {}
    for name in _HOOKS:
        users = options.get(name) or experiments.get(name)
        second = None if users == own else users
        also = second.asked if isinstance(second, Chained) else decides_behind(second)
        composed[name] = Chained(getattr(hooks, name), second, also)
    spotlight = options.get("spotlight")
    url = spotlight_url(spotlight, os.environ)
    without_dsn = "dsn" in options and not options["dsn"] and not os.environ.get("SENTRY_DSN")
    transport = guarded_transport(boundary, options.get("transport"), url, without_dsn=without_dsn)
    # The SDK makes a transport of a class only where there is a DSN.
    alone = partial(guarded_spotlight, boundary, url) if url and isinstance(transport, type) else None
    composed["spotlight"] = spotlight_option(spotlight, url, alone)
    composed["transport"] = transport
    return composed
