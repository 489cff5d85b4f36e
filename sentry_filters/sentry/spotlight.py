"""Spotlight, which the SDK would give raw envelopes: off in the SDK, and served by the guarded transport."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from types import ModuleType
from typing import Any

from sentry_sdk.envelope import Envelope

_log = logging.getLogger("sentry_filters")
_MARK = "_sentry_filters_original"
_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0", ""})


@dataclass  # not frozen: tests of applications replace `capture_envelope` of their client's Spotlight
class SpotlightBehindTransport:
    """What the SDK gets as its `spotlight` option, and, without a DSN, as its client of Spotlight.

    For the option the SDK knows True, False, None and texts: anything else is off, and unlike False leads to
    no line in the log that Spotlight is off. As a client it does nothing, since the transport posts.

    Args:
        url: Where Spotlight listens.
        alone: Makes the guarded client of Spotlight where there turns out to be neither a DSN nor a
            transport; None where there is a transport without a DSN.
    """

    url: str
    alone: Callable[[], object] | None

    def capture_envelope(self, envelope: Envelope) -> None:
        """Do nothing: see the class."""


def spotlight_option(option: object, url: str | None, alone: Callable[[], object] | None) -> object:
    """Return what the SDK gets as its `spotlight` option where the transport serves Spotlight.

    Args:
        option: What the user gave; another guard's remains.
        url: Where Spotlight listens, None where it is off.
        alone: As `SpotlightBehindTransport` has it.
    """
    if isinstance(option, SpotlightBehindTransport):
        return option
    if not url:
        return False
    # Only where it is on: the SDK's module imports Django, wherever that is installed.
    from sentry_sdk import spotlight  # noqa: PLC0415

    _let_it_be_alone(spotlight)
    return SpotlightBehindTransport(url, alone)


def _let_it_be_alone(module: ModuleType) -> None:
    """Let the SDK take a `SpotlightBehindTransport` for its client of Spotlight, where there is no DSN.

    Then it sets what it sets for its own: all traces, errors and personal data are collected. It does so
    after it has read the options, so no option of ours could. `setup_spotlight`, which makes that client, is
    pinned by a test; where it is missing, that is logged, and the application's own rates hold.
    """
    try:
        if not hasattr(module.setup_spotlight, _MARK):
            module.setup_spotlight = _set_up(module.setup_spotlight)  # type: ignore[attr-defined]
    except AttributeError as error:
        _log.warning("sentry-filters: Spotlight gets what the sampling rates let through only: %s", error)


def _set_up(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    @wraps(original)
    def setup_spotlight(options: dict[str, Any]) -> Any:
        option = options.get("spotlight")
        if isinstance(option, SpotlightBehindTransport):
            if options.get("dsn"):
                return None
            return option if option.alone is None else option.alone()
        return original(options)

    setattr(setup_spotlight, _MARK, original)
    return setup_spotlight


def spotlight_url(option: object, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the Spotlight sidecar, None where it is off, by the same rules as the SDK's own.

    Source: develop.sentry.dev/sdk/expected-features/spotlight, "Precedence rules".

    Args:
        option: The user's `spotlight` option; it wins over the variable, but `True` takes its URL.
        environ: Holds `SENTRY_SPOTLIGHT`: a URL, or a word for yes or no.
    """
    if option is False or isinstance(option, SpotlightBehindTransport):
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
