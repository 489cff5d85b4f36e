"""Redaction of the SDK's records, and its counts."""

from . import sdk_records
from .accounts import Accounts, Tally
from .cleaner import Cleaner
from .exporter import RedactingExporter, WrappingExporter

__all__ = [
    "Accounts",
    "Cleaner",
    "RedactingExporter",
    "Tally",
    "WrappingExporter",
    "sdk_records",
]
