"""httpx and httpx2: event hooks that report each request and response to `Calls`, and change nothing."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Protocol, TypeVar, runtime_checkable

from sentry_filters.http.calls import Calls, Headers


@runtime_checkable
class HttpClient(Protocol):
    """What `instrument` needs of a client: httpx's and httpx2's `Client` and `AsyncClient` have it."""

    @property
    def event_hooks(self) -> MutableMapping[str, list[Callable[..., object]]]:
        """The client's hooks by name: `request` and `response`."""


Client = TypeVar("Client", bound=HttpClient)


class _Request(Protocol):
    url: object
    headers: Headers


class _Response(Protocol):
    status_code: int
    request: _Request


class _Hooks:
    """One client's hooks.

    Args:
        calls: Told of requests and responses.
    """

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def on_request(self, request: _Request) -> None:
        self.calls.began(request, request.headers)

    def on_response(self, response: _Response) -> None:
        request = response.request
        self.calls.answered(request, response, response.status_code, request.url)

    async def on_request_async(self, request: _Request) -> None:
        self.on_request(request)

    async def on_response_async(self, response: _Response) -> None:
        self.on_response(response)


def instrument(client: Client, calls: Calls) -> Client:
    """Report what `client` sends and receives to `calls`; once, however often it is called.

    Returns:
        The same client.

    Raises:
        TypeError: `client` has no `event_hooks`.
    """
    if not isinstance(client, HttpClient):
        raise TypeError(
            f"instrument: invalid client {type(client).__name__}; "
            "expected a Client or AsyncClient of httpx or httpx2"
        )
    hooks = client.event_hooks
    owners = (getattr(hook, "__self__", None) for hook in hooks["request"])
    if any(isinstance(owner, _Hooks) and owner.calls is calls for owner in owners):
        return client
    ours = _Hooks(calls)
    is_async = hasattr(client, "aclose")
    # First, since a hook of the client's own may call raise_for_status.
    hooks["request"].insert(0, ours.on_request_async if is_async else ours.on_request)
    hooks["response"].insert(0, ours.on_response_async if is_async else ours.on_response)
    return client
