"""Redaction of the SDK's records, and its counts."""

from . import sdk_records
from .accounts import Tally, Withheld, each
from .cleaner import Cleaner

__all__ = [
    "Cleaner",
    "Tally",
    "Withheld",
    "each",
    "sdk_records",
]
