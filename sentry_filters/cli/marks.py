"""Small charts made of characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Marks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The characters that a terminal can show.

    Args:
        good: Stands before what holds.
        bad: Stands before what is broken.
        levels: From nothing to the highest.
        full: One cell of a bar.
        part: The last cell of a bar that does not fill it.
        bar_cells: How long a bar may get.
        spark_cells: How long a sparkline may get.
    """

    good: str
    bad: str
    levels: str
    full: str
    part: str
    bar_cells: int = 20
    spark_cells: int = 48

    @classmethod
    def for_encoding(cls, encoding: str) -> Marks:
        """Return blocks where the encoding knows them, else ASCII."""
        if encoding.lower().startswith("utf"):
            return cls(good="✓", bad="✗", levels=" ▁▂▃▄▅▆▇█", full="█", part="▌")
        return cls(good="ok", bad="BROKEN", levels=" .:-=+*#", full="#", part="-")

    def bar(self, value: float, most: float) -> str:
        """Return a bar as long as `value` is of `most`; what is more than nothing shows."""
        if value <= 0 or most <= 0:
            return ""
        halves = max(1, round(2 * self.bar_cells * value / most))
        return self.full * (halves // 2) + self.part * (halves % 2)

    def sparkline(self, values: Sequence[float]) -> str:
        """Return one character for each value; what is more than nothing shows."""
        most, steps = max(values, default=0), len(self.levels) - 1
        return "".join(
            self.levels[max(1, round(steps * value / most)) if value > 0 else 0] for value in values
        )
