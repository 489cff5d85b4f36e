"""A local HTTP server for tests: the demo's own."""

from sentry_filters.demo import LocalServer, QuietHandler

__all__ = ["LocalServer", "QuietHandler"]
