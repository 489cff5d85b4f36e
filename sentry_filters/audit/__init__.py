"""The audit: every decision in an embedded ledger, so that every silence can be accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentry_filters.audit.ledger import Ledger
from sentry_filters.audit.schema import prepare

if TYPE_CHECKING:
    from sentry_filters.audit.queries import Query, Value, dashboards_folder, load_queries, window_views
    from sentry_filters.audit.reader import (
        Answer,
        LedgerUnreadableError,
        Reader,
        read_only_uri,
        reading,
        views_since,
    )
    from sentry_filters.audit.words import duration, header

__all__ = [
    "Answer",
    "Ledger",
    "LedgerUnreadableError",
    "Query",
    "Reader",
    "Value",
    "dashboards_folder",
    "duration",
    "header",
    "load_queries",
    "prepare",
    "read_only_uri",
    "reading",
    "views_since",
    "window_views",
]


def __getattr__(name: str) -> object:
    # Applications write a ledger: what reads one, and SQLite with it, is imported by those who ask.
    if name in __all__:
        from sentry_filters.audit import queries, reader, words  # noqa: PLC0415

        return getattr(next(room for room in (queries, reader, words) if name in room.__all__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
