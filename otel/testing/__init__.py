"""Does telemetry bypass the guard? The OpenTelemetry half of `sentry_filters.testing.check`."""

from .checking import check

__all__ = ["check"]
