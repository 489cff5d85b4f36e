"""Adapters that postpone LLM jobs while the gate is closed; import the module of the library that you use."""

from sentry_filters.schedulers.backoff import Backoff

__all__ = ["Backoff"]
