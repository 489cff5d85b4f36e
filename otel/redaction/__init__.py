"""Redaction of the SDK's records, and its counts."""

from . import sdk_records
from .accounts import Accounts, Tally
from .cleaner import Cleaner
from .contents import Cleaned
from .exporter import RedactingExporter, WrappingExporter
from .reader import Fields, Reader
from .unread import ALL_FIELDS, Field, Readable, ReadLater, always, later, unread_of

__all__ = [
    "ALL_FIELDS",
    "Accounts",
    "Cleaned",
    "Cleaner",
    "Field",
    "Fields",
    "ReadLater",
    "Readable",
    "Reader",
    "RedactingExporter",
    "Tally",
    "WrappingExporter",
    "always",
    "later",
    "sdk_records",
    "unread_of",
]
