"""The transport that wraps the user's own, so that every envelope passes the boundary."""

from __future__ import annotations

import copy
import copyreg
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar, cast

import sentry_sdk
from sentry_sdk.envelope import Envelope, Item
from sentry_sdk.transport import Transport, make_transport

from sentry_filters.sentry.boundary import Boundary
from sentry_filters.sentry.in_flight import InFlight
from sentry_filters.sentry.outgoing import Posts, PostsApart, Redacted, guard_headers

_log = logging.getLogger("sentry_filters")

_PRINTER_VARIABLE = "SENTRY_PRINT_ENVELOPES"

# What the SDK looks up when there is only an instance or a function to wrap.
_NO_OPTIONS: Mapping[str, Any] = {"dsn": None, "_experiments": {}, "integrations": ()}

_Transport = TypeVar("_Transport", bound="GuardedTransport")
TransportOption = Transport | type[Transport] | Callable[..., object] | None
"""What `sentry_sdk.init` takes as `transport`."""


class GuardedTransport(Transport):
    """Hands envelopes on to `inner` and to Spotlight, redacted. Everything else is `inner`'s own.

    Args:
        inner: The transport that sends, None where there is only Spotlight.
        boundary: Decides what may leave.
        spotlight: Spotlight's client, None where it is off.
    """

    def __init__(self, inner: Transport | None, boundary: Boundary, spotlight: Posts | None) -> None:
        self._inner = inner
        self._boundary = boundary
        self._spotlight = spotlight
        self._in_flight = InFlight()
        guard_headers(_redacting)
        self.options = None if inner is None else inner.options
        self.parsed_dsn = None if inner is None else inner.parsed_dsn

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # The SDK asks isinstance(transport, HttpTransportCore) and the like; its own printer does the same.
        return type(self) if self._inner is None else self._inner.__class__

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__.get("_inner"), name)

    # Not by way of `__getattr__`: what `inner` would make of itself is not guarded.

    def __copy__(self) -> Self:
        return _with(type(self), self.__dict__)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        memo[id(self)] = twin = _with(type(self), {})
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        return _with, (type(self), {}), self.__dict__

    def capture_envelope(self, envelope: Envelope) -> None:
        """Send what may be exported of `envelope`; what `inner` raises is raised."""
        with self._in_flight.one():
            guarded = self._boundary.guarded(envelope, self._record_withheld)
            if guarded is None:
                return
            if self._spotlight is not None:
                self._spotlight.capture_envelope(guarded)
            if self._inner is not None:
                self._inner.capture_envelope(guarded)

    @property
    def inner(self) -> Transport | None:
        """The transport that sends, None where there is only Spotlight."""
        return self._inner

    def redacted_header(self, header: str) -> str:
        """Return an outgoing header of the SDK's as it may leave."""
        return self._boundary.redacted_header(header)

    def is_behind(self, boundary: Boundary) -> bool:
        """Say whether this boundary decides what is exported here."""
        return self._boundary is boundary

    def sending_to(self, inner: Transport | None, spotlight: Callable[[], Posts]) -> GuardedTransport:
        """Return one like it that sends elsewhere.

        Args:
            inner: In the place of the transport that sends.
            spotlight: Makes what takes Spotlight's place; called only where Spotlight is on.
        """
        twin = copy.copy(self)  # of the same class, which may be one of the application's
        twin._inner = inner
        twin._spotlight = None if self._spotlight is None else spotlight()
        return twin

    def flush(self, timeout: float, callback: Any | None = None) -> Any:
        """As `inner`'s, once it has got what other threads are redacting: the SDK's batchers have threads.

        Where `inner` sends from an event loop, which would be held up, nothing is waited for.
        """
        if self._inner is None:
            return None
        has_loop = getattr(self._inner, "loop", None) is not None
        return self._inner.flush(timeout if has_loop else self._in_flight.wait(timeout), callback)

    def kill(self) -> Any:
        """As `inner`'s."""
        return None if self._inner is None else self._inner.kill()

    def record_lost_event(self, *args: Any, **kwargs: Any) -> None:
        """As `inner`'s."""
        if self._inner is not None:
            self._inner.record_lost_event(*args, **kwargs)

    def is_healthy(self) -> bool:
        """As `inner`'s."""
        return True if self._inner is None else self._inner.is_healthy()

    def _record_withheld(self, item: Item) -> None:
        self.record_lost_event("internal_sdk_error", data_category=item.data_category)


def guarded_transport(
    boundary: Boundary, transport: TransportOption, spotlight_url: str | None, *, without_dsn: bool
) -> Transport | type[Transport]:
    """Return what to pass to `sentry_sdk.init` in the place of the user's own `transport`.

    The SDK instantiates a class only where there is a DSN, and uses an instance always; an instance stays
    an instance, a class or nothing a class.

    Args:
        boundary: Decides what may leave.
        transport: The user's own choice.
        spotlight_url: Where Spotlight listens, None where it is off.
        without_dsn: Whether it is certain that there will be no DSN: then Spotlight needs an instance.
    """
    if transport is not None and not isinstance(transport, type):
        inner = _with_printer(lambda: _made({}, transport))
        return GuardedTransport(inner, boundary, _spotlight(spotlight_url))
    if without_dsn and spotlight_url:
        return guarded_spotlight(boundary, spotlight_url)
    return _guarded_class(boundary, transport, spotlight_url)


def guarded_spotlight(boundary: Boundary, url: str) -> GuardedTransport:
    """Return what hands envelopes to Spotlight only, redacted."""
    return GuardedTransport(None, boundary, _spotlight(url))


class _GuardedClass(type(GuardedTransport)):  # type: ignore[misc]
    """The type of the classes that `_guarded_class` makes, which have no name to be pickled by."""

    made_of: tuple[object, ...]


def _guarded_class(
    boundary: Boundary, transport: TransportOption, spotlight_url: str | None
) -> type[GuardedTransport]:
    class _Guarded(GuardedTransport, metaclass=_GuardedClass):
        made_of = (boundary, transport, spotlight_url)

        def __init__(self, options: Mapping[str, Any]) -> None:
            inner = _with_printer(lambda: _made(options, transport))
            super().__init__(inner, boundary, _spotlight(spotlight_url))

    copyreg.pickle(_GuardedClass, _remade)
    return _Guarded


def _remade(made: _GuardedClass) -> tuple[Callable[..., Any], tuple[object, ...]]:
    """Say to pickle how a class is made again."""
    return _guarded_class, made.made_of


def _with(kind: type[_Transport], state: Mapping[str, object]) -> _Transport:
    """Make a transport of this class and state; also in a process that had none."""
    guard_headers(_redacting)
    transport = object.__new__(kind)
    transport.__dict__.update(state)
    return transport


def _spotlight(url: str | None) -> Posts | None:
    return PostsApart(url) if url else None


def _redacting() -> Redacted | None:
    """Return what redacts the outgoing headers of the current client, None where no guard is behind it."""
    client = sentry_sdk.get_client()
    transport = client.transport or client.spotlight
    # Not isinstance, to which the transport says that it is the one inside.
    if not issubclass(type(transport), GuardedTransport):
        return None
    return cast("GuardedTransport", transport).redacted_header


def _made(options: Mapping[str, Any], transport: TransportOption) -> Transport | None:
    return make_transport({**_NO_OPTIONS, **options, "transport": transport})


def _with_printer(make: Callable[[], Transport | None]) -> Transport | None:
    """Let the SDK put its envelope printer inside the boundary, and keep it from adding one outside.

    The SDK decides by an environment variable, after it has made the transport; outside the boundary it
    would print raw envelopes to stderr.
    """
    inner = make()
    if os.environ.get(_PRINTER_VARIABLE, "").lower() in ("1", "true", "yes"):
        del os.environ[_PRINTER_VARIABLE]
        _log.warning(
            "sentry-filters: %s: envelopes are printed redacted, and the variable is unset", _PRINTER_VARIABLE
        )
    return inner
