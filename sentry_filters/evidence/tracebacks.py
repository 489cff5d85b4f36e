"""What the frames of a traceback hold: responses that an exception does not carry itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from types import FrameType, TracebackType

from sentry_filters.evidence.attributes import attribute

_MOST_FRAMES = 64
_MOST_LOCALS = 64


def local_values(error: BaseException) -> Iterator[object]:
    """Yield the local variables of the traceback's frames, innermost frame first. Never raises."""
    for frame in reversed(_frames(error)):
        yield from _locals(frame)


def raised_while_handled(error: BaseException, handled: BaseException) -> bool:
    """Say whether `error` was really raised by the code that handled `handled`, which is its `__context__`.

    An error that was kept and is raised again elsewhere gets a new context that has nothing to do with it:
    by `raise stored` (its traceback enters a frame twice), by `future.result()` or `await task` (it enters a
    frame that the one above did not call). Without tracebacks there is no reason to doubt it.
    """
    frames = _frames(error)
    handler = attribute(attribute(handled, "__traceback__"), "tb_frame")
    if any(frame is handler for frame in frames):
        while frames[0] is not handler:
            del frames[0]
    return all(below.f_back is above for above, below in pairwise(frames))


def _locals(frame: FrameType) -> list[object]:
    try:
        return list(frame.f_locals.values())[:_MOST_LOCALS]
    except Exception:  # noqa: BLE001 - a namespace of its own, as of a class body, may raise anything
        return []


def _frames(error: BaseException) -> list[FrameType]:
    """Return the innermost frames of the traceback, outermost first."""
    frames: list[FrameType] = []
    traceback = attribute(error, "__traceback__")
    while isinstance(traceback, TracebackType):
        frames.append(traceback.tb_frame)
        if len(frames) > 2 * _MOST_FRAMES:
            del frames[:_MOST_FRAMES]
        traceback = traceback.tb_next
    return frames[-_MOST_FRAMES:]
