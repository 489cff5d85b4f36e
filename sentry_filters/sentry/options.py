"""The options for `sentry_sdk.init`, with the guard's hooks and transport composed into the user's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from sentry_filters.sentry.before_send import Chained, Hook, SentryHooks
from sentry_filters.sentry.boundary import Boundary
from sentry_filters.sentry.transport import guarded_transport

_HOOKS = ("before_send", "before_send_transaction", "before_send_log", "before_send_metric")
_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0", ""})


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
    and served by the guarded transport.

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
    if option is not True and word not in _TRUE:
        return None
    # Only where it is on: the SDK's module imports Django, wherever that is installed.
    from sentry_sdk.spotlight import DEFAULT_SPOTLIGHT_URL  # noqa: PLC0415

    return DEFAULT_SPOTLIGHT_URL
