"""What a row of the table is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.defects.application import Application


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One defect, dressed as the user's state.

    Args:
        name: What it is.
        does: What the application does, so that it looks like an expired session.
        story: The application; it has the defect unless `Application.is_healthy`.
        red: The invariants that turn red.
        shown: The reason or tag under which Sentry gets it, None where it gets nothing.
        events: How many error events Sentry gets.
    """

    name: str
    does: str
    story: Callable[[Application], None]
    red: tuple[str, ...] = ()
    shown: str | None = None
    events: int = 1
