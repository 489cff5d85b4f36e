"""From what an application holds to what the wire's own library received, by the clients' own links."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

_MOST_LINKS = 4
# requests' and botocore's responses; urllib3's; the exception of urllib.request.
_NAMES = ("raw", "_original_response", "fp")
_MOST_FRAMES = 1_024


def held_by(holder: object) -> Iterator[object]:
    """Yield `holder`, and the response that it holds, or that raised it, as far as that leads.

    Nothing is called and the network is not read. Never raises.

    Args:
        holder: A client's response, or an exception of one.
    """
    one: object = holder
    for _ in range(_MOST_LINKS):
        yield one
        held = next((value for name in _NAMES if (value := own_attribute(one, name)) is not None), None)
        if held is None:
            break
        one = held
    if isinstance(holder, BaseException):
        yield _raised_by(holder)


def own_attribute(holder: object, name: str) -> object:
    """Return an attribute of an object's own namespace, None without one; runs no code of the object."""
    try:
        return vars(holder).get(name)
    except Exception:  # noqa: BLE001 - no attributes of its own, or a foreign object's namespace
        return None


def _raised_by(error: BaseException) -> object:
    """Return the object whose method raised: aiohttp's errors name no response, but one raised them."""
    entry: TracebackType | None = error.__traceback__
    for _ in range(_MOST_FRAMES):
        if entry is None or entry.tb_next is None:
            break
        entry = entry.tb_next
    try:
        return None if entry is None else entry.tb_frame.f_locals.get("self")
    except Exception:  # noqa: BLE001 - a namespace of its own, as of a class body, may raise anything
        return None
