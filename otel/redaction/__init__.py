"""Redaction of the SDK's records, and its counts."""

from . import sdk_records
from .accounts import Accounts, Tally
from .cleaner import Cleaner
from .exporter import RedactingExporter, WrappingExporter
from .unread import ALL_FIELDS, Field, Fields, Reader, ReadLater, Unread, later, unread_of

__all__ = [
    "ALL_FIELDS",
    "Accounts",
    "Cleaner",
    "Field",
    "Fields",
    "ReadLater",
    "Reader",
    "RedactingExporter",
    "Tally",
    "Unread",
    "WrappingExporter",
    "later",
    "sdk_records",
    "unread_of",
]
