"""Removes secrets from whatever is about to leave the process."""

from __future__ import annotations

from .kinds import Kind
from .marks import REDACTED, WITHHELD
from .redactor import Finding, Redactor, Scrubbed

__all__ = ["REDACTED", "WITHHELD", "Finding", "Kind", "Redactor", "Scrubbed"]
