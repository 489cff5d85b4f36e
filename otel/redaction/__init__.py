"""Redaction of the SDK's records, and its counts."""

from otel.redaction import sdk_records
from otel.redaction.accounts import Withheld
from otel.redaction.cleaner import Cleaner
from otel.redaction.tally import Tally

__all__ = [
    "Cleaner",
    "Tally",
    "Withheld",
    "sdk_records",
]
