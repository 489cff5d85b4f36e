"""The texts that stand where something was, shared by every part of this package."""

from __future__ import annotations

__all__ = ["REDACTED", "WITHHELD"]

REDACTED = "[REDACTED]"  # a secret stood here
WITHHELD = "[WITHHELD]"  # this could not be looked into, so it does not go out
