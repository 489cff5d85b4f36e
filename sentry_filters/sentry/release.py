"""The application's release, as Sentry knows it."""

from __future__ import annotations

import sentry_sdk


def current_release() -> str | None:
    """Return the release that Sentry was set up with, None before that or where there is none."""
    release = sentry_sdk.get_client().options.get("release")
    return release if isinstance(release, str) else None
