"""Where other libraries' methods are wrapped: once they are imported, and until it is undone, exactly."""

from __future__ import annotations

import functools
import importlib
import sys
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, ClassVar

from sentry_filters.http.calls import Calls

Method = Callable[..., Any]

_ENDED = "_sentry_filters_ended"


class Seam:
    """One method of a class, wrapped from now on until `undo`.

    Args:
        owner: The class that defines it.
        name: Its name.
        around: Returns the method to call in its place, which calls the one it is given.

    Raises:
        AttributeError: The class does not define it.
    """

    def __init__(self, owner: type, name: str, around: Callable[[Method], Method]) -> None:
        if name not in vars(owner):
            raise AttributeError(f"{owner.__module__}.{owner.__qualname__}.{name} is not there")
        self._owner, self._name, self._original = owner, name, vars(owner)[name]
        self._wrapper = functools.update_wrapper(around(getattr(owner, name)), self._original)
        setattr(self._wrapper, _ENDED, False)
        setattr(owner, name, self._wrapper)

    def undo(self) -> None:
        """Put back what was there; where another has wrapped it since, ours stays below and does nothing."""
        setattr(self._wrapper, _ENDED, True)
        if vars(self._owner).get(self._name) is self._wrapper:
            below = self._original
            while getattr(below, _ENDED, False):  # another guard's, which was undone while ours was above
                below = below.__wrapped__
            setattr(self._owner, self._name, below)


class Members:
    """A set of objects, by identity and held weakly: neither their hash nor their equality is asked."""

    def __init__(self) -> None:
        self._members: weakref.WeakValueDictionary[int, object] = weakref.WeakValueDictionary()

    def __contains__(self, one: object) -> bool:
        return bool(self._members) and self._members.get(id(one)) is one

    def add(self, one: object) -> None:
        """Add an object.

        Raises:
            TypeError: It cannot be referenced weakly.
        """
        self._members[id(one)] = one

    def emptied(self) -> list[Any]:
        """Return the objects that are still there, and forget them."""
        members = list(self._members.values())
        self._members.clear()
        return members


class Watched:
    """Whose calls a guard records: everybody's, or those of some clients.

    Attributes:
        everybody: Whether everybody's.
    """

    def __init__(self) -> None:
        self.everybody = False
        self._clients = Members()
        self._inside: ContextVar[bool] = ContextVar("sentry_filters_watched", default=False)

    def add(self, client: object) -> None:
        """Watch this client."""
        self._clients.add(client)

    def none(self) -> None:
        """Watch nobody any more."""
        self.everybody = False
        self._clients.emptied()

    def covers(self, client: object) -> bool:
        """Say whether a client's calls are to be recorded: its own, or as part of a watched client's call."""
        return self.everybody or self._inside.get() or client in self._clients

    def opened(self, original: Method) -> Method:
        """Return a method of a client that watches what is called inside, where the client is watched."""

        def method(client: object, *args: Any, **kwargs: Any) -> Any:
            if self.everybody or not self.covers(client):
                return original(client, *args, **kwargs)
            token = self._inside.set(True)
            try:
                return original(client, *args, **kwargs)
            finally:
                self._inside.reset(token)

        return method


class Library(ABC):
    """One HTTP library: which of its methods tell of its calls.

    Args:
        calls: Told of requests and responses.
        watched: Whose calls they are told of.

    Attributes:
        modules: The modules to wait for.
        accepts: What `instrument` takes of it, for its error.
        has_hooks: Whether a single client is watched by hooks of its own, without any seam.
    """

    modules: ClassVar[Sequence[str]]
    accepts: ClassVar[str]
    has_hooks: ClassVar[bool] = False

    def __init__(self, calls: Calls, watched: Watched) -> None:
        self.calls = calls
        self.watched = watched

    @abstractmethod
    def seams(self, module: ModuleType) -> Sequence[tuple[type, str, Callable[[Method], Method]]]:
        """Return what is wrapped in a module that is imported: class, method, and what goes round it."""

    @abstractmethod
    def takes(self, client: object) -> bool:
        """Say whether `client` is one of this library's; imports nothing."""

    def watch(self, client: object) -> None:
        """Record the calls of one client."""
        self.watched.add(client)

    def release(self) -> None:  # noqa: B027 - most have changed nothing
        """Undo what `watch` changed."""

    def classes(self, *names: str) -> tuple[type, ...]:
        """Return these classes of the library's modules, as far as they are imported."""
        modules = [module for name in self.modules if (module := sys.modules.get(name)) is not None]
        found = (getattr(module, name, None) for module in modules for name in names)
        return tuple(one for one in found if isinstance(one, type))


class Imports(MetaPathFinder):
    """Calls back when modules are imported, at once for those that are imported already.

    Args:
        names: The modules.
        imported: Given each of them, when it is complete.
    """

    def __init__(self, names: Sequence[str], imported: Callable[[ModuleType], None]) -> None:
        self._waiting = set(names)
        self._imported = imported
        sys.meta_path.insert(0, self)  # first, so that no import slips through in between
        for name in names:
            if name in sys.modules:
                self._came(importlib.import_module(name))  # waits where another thread is at it

    def stop(self) -> None:
        """Wait no longer."""
        self._waiting.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module that is waited for as the other finders do, with a loader that calls back."""
        if fullname not in self._waiting:
            return None
        finders = sys.meta_path[sys.meta_path.index(self) + 1 :] if self in sys.meta_path else []
        for finder in finders:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, self._came)
                return spec
        return None

    def _came(self, module: ModuleType) -> None:
        if module.__name__ in self._waiting:
            self._waiting.discard(module.__name__)  # once, whoever comes first
            self._imported(module)


class _Loader(Loader):
    """Loads as another loader does, which takes its place again; then calls back."""

    def __init__(self, loader: Any, loaded: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._loaded = loaded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)  # whoever only looks for the module finds the loader's own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        spec.loader = self._loader
        created: ModuleType | None = self._loader.create_module(spec)
        spec.loader = self
        return created

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._loaded(module)
