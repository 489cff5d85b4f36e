"""A progress bar beside long work, where there is a terminal to show it on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import ProgressColumn

Step = TypeVar("Step")
Unit = Literal["bytes", "steps"]
"""What is counted."""


class Progress:
    """Shows how much is done; without a bar it shows nothing.

    Args:
        bar: What draws it, None where nobody watches.
    """

    def __init__(self, bar: RichProgress | None = None) -> None:
        self._bar = bar

    def __call__(self, by: int = 1) -> None:
        """Take note that so much more is done."""
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0], by)

    def each(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Yield the steps of the work; each is done when the next is asked for."""
        for step in steps:
            yield step
            self()

    def reach(self, done: int, text: str = "") -> None:
        """Take note that so much is done by now, and show `text` beside it."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, description=text)


@contextmanager
def progress_of(total: int, unit: Unit, *, output: bool) -> Iterator[Progress]:
    """Show how much of `total` is done, on standard error, for as long as the block lasts.

    Nothing is shown where standard error is not a terminal, where the total is not known (0), or without the
    package rich, which is an extra.

    Args:
        total: How much there is to do.
        unit: In what it is counted.
        output: Whether something is printed meanwhile: on the same terminal, a bar would tear it apart.
    """
    is_watched = sys.stderr.isatty() and not (output and sys.stdout.isatty())
    bar = _bar(total, unit) if total and is_watched else None
    if bar is None:
        yield Progress()
        return
    with bar:
        yield Progress(bar)


def _bar(total: int, unit: Unit) -> RichProgress | None:
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress  # noqa: PLC0415
    except ImportError:
        return None
    counted: ProgressColumn = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (BarColumn(), counted, TimeRemainingColumn(), TextColumn("{task.description}"))
    bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("", total=total)
    return bar
