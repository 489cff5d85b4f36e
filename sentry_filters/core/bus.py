"""Delivers an expired session to each subscriber, isolated from the others."""

from __future__ import annotations

import time
import weakref
from collections.abc import AsyncIterator, Callable

from sentry_filters.core.loops import OwnLoop
from sentry_filters.core.session import SessionExpired
from sentry_filters.core.subscription import Events, Handler, Inbox, Subscriber, Subscription, Troubles

__all__ = ["EventBus", "Handler", "Subscription"]


class EventBus:
    """Delivers `SessionExpired` to its subscribers. Thread-safe, also in signal handlers and finalizers.

    Args:
        count: Called with the kind of a subscriber's fault, such as `handler_failed`; must not raise.
    """

    def __init__(self, count: Callable[[str], object] = lambda _kind: None) -> None:
        # Changed by single operations on a dict only: nothing to lock, and so nothing to deadlock on.
        self._subscribers: dict[Subscriber, None] = {}
        self._observers: dict[Subscriber, None] = {}
        self._own_loop = OwnLoop()
        self._count = count
        weakref.finalize(self, self._own_loop.stop).atexit = False

    @property
    def is_listening(self) -> bool:
        """Whether the application subscribed or iterates; observers do not count."""
        return any(one.is_open for one in tuple(self._subscribers))

    def subscribe(self, handler: Handler) -> Subscription:
        """Call `handler` with every `SessionExpired` from now on, in a thread of its own.

        Args:
            handler: A function; or a coroutine function, which runs in the event loop that it was subscribed
                from, or else in a loop of the bus that all such handlers share.

        Returns:
            The subscription. To end it, close it, or use it as a context manager.
        """
        subscription = self._subscription(handler)
        self._subscribers[subscription] = None
        return subscription

    def observe(self, handler: Handler) -> Subscription:
        """Like `subscribe`, for emitters and the like, which do not count as handling the event."""
        observer = self._subscription(handler)
        self._observers[observer] = None
        return observer

    def events(self) -> AsyncIterator[SessionExpired]:
        """Iterate over every `SessionExpired` from now on: `async for event in bus.events()`.

        It counts as listening from this call on, until the iterator is closed or garbage-collected, or its
        event loop is closed. It ends when the bus closes. Up to 10,000 events wait for it.
        """
        inbox = Inbox(self._forget, Troubles(self._count))
        self._subscribers[inbox] = None
        return Events(inbox)

    def publish(self, event: SessionExpired) -> bool:
        """Put `event` into every subscriber's queue; never blocks, never raises.

        Returns:
            Whether there are subscribers and all of them will get it. Otherwise it is not certain that
            anybody acts on it, and the failure behind it must be shown.
        """
        taken = [subscriber.put(event) for subscriber in tuple(self._subscribers) if subscriber.is_open]
        for observer in tuple(self._observers):
            observer.put(event)
        return bool(taken) and all(taken)

    def close(self, timeout: float = 2.0) -> None:
        """End all subscriptions and iterations, waiting at most `timeout` seconds in all for handlers."""
        deadline = time.monotonic() + timeout
        # Observers first: `is_listening` has to be as it was at the moment of the expiry.
        subscribers = (*self._observers, *self._subscribers)
        emptied = [one.close(max(0.0, deadline - time.monotonic())) for one in subscribers]
        if all(emptied):  # else it is left to the handlers that are still at work in it
            self._own_loop.stop()

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait, at most `timeout` seconds in all, until every event published so far is handled."""
        deadline = time.monotonic() + timeout
        subscribers = (*self._subscribers, *self._observers)
        emptied = [one.flush(max(0.0, deadline - time.monotonic())) for one in subscribers]
        return all(emptied)

    def _subscription(self, handler: Handler) -> Subscription:
        return Subscription(handler, self._own_loop, self._forget, Troubles(self._count))

    def _forget(self, subscriber: Subscriber) -> None:
        self._subscribers.pop(subscriber, None)
        self._observers.pop(subscriber, None)
