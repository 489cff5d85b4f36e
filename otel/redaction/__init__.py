"""Redaction of the SDK's records, and its counts."""

from . import sdk_records
from .accounts import Withheld
from .cleaner import Cleaner
from .tally import Tally

__all__ = [
    "Cleaner",
    "Tally",
    "Withheld",
    "sdk_records",
]
