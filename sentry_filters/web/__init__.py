"""Answers requests whose LLM work the gate refused; import the module of the framework that you use."""

from __future__ import annotations

from sentry_filters.web.answer import RETRY_AFTER

__all__ = ["RETRY_AFTER"]
