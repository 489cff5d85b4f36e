"""Hooks for httpx and httpx2 clients: they write down what the wire said, and change nothing."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, MutableSequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar, runtime_checkable

from sentry_filters.core import Policy
from sentry_filters.evidence import (
    Fingerprinter,
    Response,
    SpanMemory,
    codes_of_text,
    conventions,
    endpoint_of_url,
    path_of_url,
    text_if_read,
    token_of,
)

SpanIds = tuple[str, str]
"""Trace id (32 hex digits) and span id (16 hex digits)."""


@runtime_checkable
class HttpClient(Protocol):
    """What `instrument` needs of a client: httpx's and httpx2's `Client` and `AsyncClient` have it."""

    @property
    def event_hooks(self) -> MutableMapping[str, list[Callable[..., object]]]:
        """The client's hooks by name: `request` and `response`."""


Client = TypeVar("Client", bound=HttpClient)


class _Headers(Protocol):
    def get(self, name: str) -> str | None: ...


class _Request(Protocol):
    url: object
    headers: _Headers
    extensions: MutableMapping[str, object]


class _Response(Protocol):
    status_code: int
    request: _Request
    extensions: MutableMapping[str, object]


class RegistersCredentials(Protocol):
    """The redactor, as far as this edge needs it."""

    def register(self, value: str) -> None:
        """Remove `value` from whatever leaves from now on."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call on its way: the fingerprint it was sent with, when (epoch seconds), and its named operation."""

    session: str | None
    started_at: float
    operation: str | None
    spans: tuple[SpanIds, ...]


class HttpEdge:
    """Instruments clients for one guard.

    The facts of a failed response are kept in `response.extensions`, where they live as long as the
    response, and by span in a bounded, expiring memory. They are never put on an ambient scope, where they
    would make the next unrelated error look like ours. The credential itself is not kept here.

    Args:
        policy: Which headers carry the credential.
        fingerprinter: Names the credential.
        redactor: Told every credential, so that it can be removed from what leaves.
        current_spans: The spans that are active at this moment, of whatever tracers are in use.
        fault: Told of every fault of our own; a fault never reaches the call.
    """

    def __init__(
        self,
        policy: Policy,
        fingerprinter: Fingerprinter,
        redactor: RegistersCredentials,
        current_spans: Callable[[], tuple[SpanIds, ...]],
        fault: Callable[[str, BaseException], None],
    ) -> None:
        self._policy = policy
        self._fingerprinter = fingerprinter
        self._redactor = redactor
        self._current_spans = current_spans
        self._fault = fault
        self._operation: ContextVar[str | None] = ContextVar("sentry_filters_operation", default=None)
        self._calls: SpanMemory[Call] = SpanMemory()
        self._responses: SpanMemory[tuple[Response, weakref.ref[_Response]]] = SpanMemory()
        # Guards do not see each other, so each has a place of its own in the extensions.
        self.extension_key = f"sentry_filters.{id(self):x}"

    def instrument(self, client: Client) -> Client:
        """Add the guard's hooks to `client`, before its own; once, however often it is called.

        Returns:
            The same client.

        Raises:
            TypeError: `client` has no `event_hooks`.
        """
        if not isinstance(client, HttpClient):
            raise TypeError(
                f"instrument: {type(client).__name__} has no event_hooks; "
                "allowed: a Client or AsyncClient of httpx or httpx2"
            )
        hooks = client.event_hooks
        if any(getattr(hook, "__self__", None) is self for hook in hooks["request"]):
            return client
        if hasattr(client, "aclose"):
            _prepend(hooks["request"], self._on_request_async)
            _prepend(hooks["response"], self._on_response_async)
        else:
            _prepend(hooks["request"], self._on_request)
            _prepend(hooks["response"], self._on_response)
        return client

    @contextlib.contextmanager
    def operation(self, name: str) -> Iterator[None]:
        """Name the operation of the calls inside, whatever their URL."""
        token = self._operation.set(name)
        try:
            yield
        finally:
            self._operation.reset(token)

    def call_of(self, trace_id: str, span_id: str) -> Call | None:
        """Return the latest call that was sent while this span was active, None where none is remembered."""
        return self._calls.get(trace_id, span_id)

    def response_of(self, trace_id: str, span_id: str) -> Response | None:
        """Return the failed response that arrived under this span, with its body's codes if it was read."""
        remembered = self._responses.get(trace_id, span_id)
        if remembered is None:
            return None
        facts, live = remembered
        body = text_if_read(live())
        return replace(facts, codes=codes_of_text(body), body=body) if body else facts

    def _on_request(self, request: _Request) -> None:
        try:
            credential = self._credential(request.headers)
            session = None
            if credential is not None:
                self._redactor.register(credential)
                session = self._fingerprinter.of(credential)
            call = Call(session, time.time(), self._operation.get(), self._current_spans())
            request.extensions[self.extension_key] = call
            for trace_id, span_id in call.spans:
                self._calls.put(trace_id, span_id, call)
        except Exception as error:  # noqa: BLE001 - the call goes on, unobserved
            self._fault("http", error)

    def _on_response(self, response: _Response) -> None:
        if response.status_code not in conventions.SESSION_STATUSES:
            return
        try:
            self._record(response)
        except Exception as error:  # noqa: BLE001 - as above
            self._fault("http", error)

    async def _on_request_async(self, request: _Request) -> None:
        self._on_request(request)

    async def _on_response_async(self, response: _Response) -> None:
        self._on_response(response)

    def _record(self, response: _Response) -> None:
        request = response.request
        call = request.extensions.get(self.extension_key)
        if not isinstance(call, Call):
            return
        url = str(request.url)
        spans = call.spans or ((None, None),)
        facts = Response(
            status=response.status_code,
            endpoint=endpoint_of_url(url),
            path=path_of_url(url),
            operation=call.operation,
            session=call.session,
            started_at=call.started_at,
            trace_id=spans[0][0],
            span_id=spans[0][1],
            recorded=True,
        )
        response.extensions[self.extension_key] = facts
        for trace_id, span_id in call.spans:
            self._responses.put(trace_id, span_id, (facts, weakref.ref(response)))

    def _credential(self, headers: _Headers) -> str | None:
        for name in self._policy.credential_headers:
            value = headers.get(name)
            if value:
                return token_of(value)
        return None


Hook = Callable[..., None] | Callable[..., Awaitable[None]]


def _prepend(hooks: MutableSequence[Callable[..., object]], hook: Hook) -> None:
    # First, since a hook of the client's own may call raise_for_status.
    hooks.insert(0, hook)
