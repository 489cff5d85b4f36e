"""What an exporter gives back: the target's text, and what the target cannot say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sentry_filters.core import Policy

__all__ = ["Export", "Exporter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A policy in the language of another program.

    Args:
        text: What that program reads.
        remarks: What it cannot express, or does otherwise; a sentence each.
    """

    text: str
    remarks: tuple[str, ...]


Exporter = Callable[[Policy], Export]
"""Writes a policy for one target. ValueError: one of its `secret_kinds` is faulty."""
