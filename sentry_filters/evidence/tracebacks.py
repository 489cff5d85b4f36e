"""What the frames of a traceback hold: responses that an exception does not carry itself."""

from __future__ import annotations

import opcode
from collections.abc import Iterator
from itertools import pairwise
from types import FrameType, TracebackType

from sentry_filters.evidence.attributes import attribute

_MOST_FRAMES = 64
_MOST_LOCALS = 64
_RAISE = opcode.opmap["RAISE_VARARGS"]


def local_values(error: BaseException, *, own: bool) -> Iterator[object]:
    """Yield the local variables of the traceback's frames, innermost frame first. Never raises.

    Args:
        error: Whose traceback.
        own: Whether only those frames count that led to where the error was raised first; else also those
            where it was raised again, which may hold what other failures left.
    """
    entries = _entries(error)
    for at in range(len(entries) - 1, -1, -1):
        if own and at + 1 < len(entries) and not _called(entries[at], entries[at + 1]):
            return
        yield from _locals(entries[at].tb_frame)


def raised_while_handled(error: BaseException, handled: BaseException) -> bool:
    """Say whether `error` was really raised by the code that handled `handled`, its cause or context.

    An error that was kept and is raised again elsewhere gets a new context that has nothing to do with it:
    by `raise stored` (a frame raises, and yet the traceback goes on), by `future.result()` or `await task`
    (it goes on in a frame that the one above did not call). Without tracebacks there is no reason to doubt.
    A frame below the handler may raise again what it caught: all that happens there is part of the handling.
    """
    entries = _entries(error)
    handler = attribute(attribute(handled, "__traceback__"), "tb_frame")
    is_below = any(entry.tb_frame is handler for entry in entries)
    while is_below and entries[0].tb_frame is not handler:
        del entries[0]
    return all(
        _called(above, below) or (is_below and above.tb_frame is below.tb_frame is not handler)
        for above, below in pairwise(entries)
    )


def _called(above: TracebackType, below: TracebackType) -> bool:
    """Say whether one frame of a traceback called the next one, rather than raised what that had raised."""
    return below.tb_frame.f_back is above.tb_frame and not _raises(above)


def _raises(entry: TracebackType) -> bool:
    """Say whether a frame left by a `raise` of its own, and not by a call that raised."""
    code = entry.tb_frame.f_code.co_code
    return 0 <= entry.tb_lasti < len(code) and code[entry.tb_lasti] == _RAISE


def _locals(frame: FrameType) -> list[object]:
    try:
        return list(frame.f_locals.values())[:_MOST_LOCALS]
    except Exception:  # noqa: BLE001 - a namespace of its own, as of a class body, may raise anything
        return []


def _entries(error: BaseException) -> list[TracebackType]:
    """Return the innermost entries of the traceback, outermost first."""
    entries: list[TracebackType] = []
    traceback = attribute(error, "__traceback__")
    while isinstance(traceback, TracebackType):
        entries.append(traceback)
        if len(entries) > 2 * _MOST_FRAMES:
            del entries[:_MOST_FRAMES]
        traceback = traceback.tb_next
    return entries[-_MOST_FRAMES:]
