"""Where Spotlight listens, by the same rules as the SDK's own.

Source: develop.sentry.dev/sdk/expected-features/spotlight, "Precedence rules".
"""

from __future__ import annotations

from collections.abc import Mapping

from sentry_sdk.spotlight import DEFAULT_SPOTLIGHT_URL

_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0", ""})


def spotlight_url(option: object, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the Spotlight sidecar, None where it is off.

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
