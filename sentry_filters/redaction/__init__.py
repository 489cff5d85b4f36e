"""Removes secrets from whatever is about to leave the process."""

from __future__ import annotations

from .findings import Finding, Scrubbed
from .kinds import Kind
from .marks import REDACTED, WITHHELD
from .redactor import Redactor

__all__ = ["REDACTED", "WITHHELD", "Finding", "Kind", "Redactor", "Scrubbed"]
