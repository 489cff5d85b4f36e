"""`python -m tests.architecture.held MODULE…` imports modules and prints which of their globals can change.

As JSON: a list of `[module, name, type, annotation]`. A module whose optional library is missing is left out.
"""

from __future__ import annotations

import collections
import contextvars
import importlib
import json
import queue
import sys
import threading
import types
import weakref
from collections.abc import Iterable, Iterator

_MUTABLE = (
    *(list, dict, set, bytearray, collections.deque, collections.UserDict, collections.UserList),
    *(
        weakref.WeakSet,
        weakref.WeakKeyDictionary,
        weakref.WeakValueDictionary,
        queue.Queue,
        queue.SimpleQueue,
    ),
    *(contextvars.ContextVar, threading.local, threading.Event, threading.Condition, threading.Semaphore),
    *(type(threading.Lock()), type(threading.RLock())),
)


def held(names: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    """Import each module and yield the globals of its own that can be changed."""
    packages = {name.partition(".")[0] for name in names}
    for name in names:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            if (error.name or "").partition(".")[0] in packages:
                raise
            continue
        annotations = getattr(module, "__annotations__", {})
        for key, value in vars(module).items():
            if not key.startswith("__") and not isinstance(value, type | types.ModuleType):
                kind = _changeable(value, packages)
                if kind:
                    yield name, key, kind, str(annotations.get(key, ""))


def _changeable(value: object, packages: set[str], *, of_ours: bool = True) -> str | None:
    """The type of `value`, if it can be changed.

    A tuple can if a part of it can, an object of our own classes if one of its attributes can.
    """
    if isinstance(value, _MUTABLE) or hasattr(type(value), "cache_info"):
        return type(value).__name__
    parts: Iterable[object] = ()
    if isinstance(value, tuple):
        parts = value
    elif of_ours and type(value).__module__.partition(".")[0] in packages:
        parts, of_ours = getattr(value, "__dict__", {}).values(), False
    found = filter(None, (_changeable(part, packages, of_ours=of_ours) for part in parts))
    inner = next(found, None)
    return inner and f"{type(value).__name__} with {inner}"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(list(held(sys.argv[1:]))))
