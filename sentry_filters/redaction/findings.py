"""What was removed, and the texts that replace it."""

from __future__ import annotations

from dataclasses import dataclass

REDACTED = "[REDACTED]"
"""What replaces a secret."""

WITHHELD = "[WITHHELD]"
"""What replaces anything that could not be inspected."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a secret was; never the secret.

    `start` and `end` are the place of the mark in the redacted value, in bytes of its UTF-8 form; both are
    None where a key was renamed, which concerns the container as a whole. `original_length` is the number of
    characters before, or None for what was not text.
    """

    path: tuple[str | int, ...]
    kind: str
    start: int | None
    end: int | None
    original_length: int | None = None


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A redacted copy (the identical object when it was clean), and what was removed from it."""

    value: object
    findings: tuple[Finding, ...] = ()
