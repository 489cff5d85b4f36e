"""What must hold whatever the input; written without the package's own rules."""

from __future__ import annotations

import re

from tests.fuzz.strategies import CANARY, HOST, PROVIDER


def speaks_of_the_backend(*things: object) -> bool:
    """Return whether the backend's exact label or its host appears anywhere in them."""
    shown = shown_as(*things)
    return (PROVIDER in shown or HOST in shown.lower()) and re.search("40[13]", shown) is not None


def holds_the_canary(*things: object) -> bool:
    """Return whether the planted secret appears anywhere in them."""
    return CANARY in shown_as(*things)


def shown_as(*things: object) -> str:
    """Return every text in `things`, however deep and in whatever container."""
    found: list[str] = []
    pending = list(things)
    while pending:
        thing = pending.pop()
        if isinstance(thing, dict):
            pending += [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple | set | frozenset):
            pending += thing
        elif isinstance(thing, bytes | bytearray):
            found.append(thing.decode("latin-1"))
        elif isinstance(thing, int) and not isinstance(thing, bool):
            found.append(hex(thing) if abs(thing) > 10**9 else str(thing))
        else:
            found.append(str(thing))
    return "\0".join(found)
