"""Preview: what a new policy would drop or keep of what is recorded already, before it ships."""

from sentry_filters.preview.difference import Change, Difference, Outcome, kind_of
from sentry_filters.preview.files import Item, ItemReader
from sentry_filters.preview.previewing import Preview, SourceError

__all__ = [
    "Change",
    "Difference",
    "Item",
    "ItemReader",
    "Outcome",
    "Preview",
    "SourceError",
    "kind_of",
]
