"""A progress bar beside what is copied, where there is a terminal to show it on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int], None]
"""Is told how many further bytes are done."""


@contextmanager
def progress_of(size: int) -> Iterator[Progress]:
    """Show how much of `size` bytes is done, on standard error, for as long as the block lasts.

    Nothing is shown where standard error is no terminal, where standard output is the same one (what is
    copied would be torn apart), where the size is unknown, or without the package rich, which is an extra.
    """
    bar = _bar(size) if size and sys.stderr.isatty() and not sys.stdout.isatty() else None
    if bar is None:
        yield lambda _: None
        return
    with bar:
        yield bar.done


class _Bar:
    def __init__(self, size: int) -> None:
        from rich.console import Console  # noqa: PLC0415 - an extra
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            DownloadColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as RichProgress  # noqa: PLC0415

        self._progress = RichProgress(
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("redacting", total=size)

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def done(self, size: int) -> None:
        """Take note of further bytes that are done."""
        self._progress.advance(self._task, size)


def _bar(size: int) -> _Bar | None:
    try:
        return _Bar(size)
    except ImportError:
        return None
