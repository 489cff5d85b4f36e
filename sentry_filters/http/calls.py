"""What the wire said about each call, whatever client made it; kept by call, for a while, and never changed.

A client's own file beside this one says when a request begins and when a response arrives. Facts are never
put on an ambient scope, where they would make the next unrelated error look like ours.
"""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol

from sentry_filters.core import Fault, Policy, operation_of_path
from sentry_filters.evidence import (
    Fingerprinter,
    Response,
    SpanMemory,
    codes_of_text,
    conventions,
    endpoint_of_url,
    path_of_url,
    serves,
    text_if_read,
    token_of,
)

SpanIds = tuple[str, str]
"""Trace id (32 hex digits) and span id (16 hex digits)."""


class Headers(Protocol):
    """A request's headers, of any client: looked up without regard to case."""

    def get(self, name: str, /) -> str | None:
        """Return a header's value, None where it is not sent."""


class RegistersCredentials(Protocol):
    """The redactor, as far as this room needs it."""

    def register(self, value: str) -> None:
        """Remove `value` from whatever is exported from now on."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call on its way.

    Args:
        session: Fingerprint of the credential that it was sent with.
        started_at: When, in seconds since the epoch.
        began: The same moment by `time.monotonic`.
        operation: What `SessionGuard.operation` names it.
        spans: The spans that were active then.
    """

    session: str | None
    started_at: float
    began: float
    operation: str | None
    spans: tuple[SpanIds, ...]


class Calls:
    """Remembers the calls of one guard's instrumented clients. Thread-safe; never raises.

    A call is remembered with its client's request and response objects, for as long as they live, and by the
    spans it was sent under, in a bounded, expiring memory. The credential itself is not kept.

    Args:
        policy: Which headers carry the credential.
        fingerprinter: Names the credential.
        redactor: Registers every credential, so that it can be removed from what is exported.
        current_spans: The spans that are active at this moment, of whatever tracers are in use.
        fault: Takes note of internal faults, which never reach the call.
        succeeded: Is given the credential's fingerprint, and the start by `time.monotonic`, of each LLM call
            that one of `Policy.hosts` answered with success.
    """

    def __init__(
        self,
        policy: Policy,
        fingerprinter: Fingerprinter,
        redactor: RegistersCredentials,
        current_spans: Callable[[], tuple[SpanIds, ...]],
        fault: Fault,
        succeeded: Callable[[str, float], None],
    ) -> None:
        self._policy = policy
        self._fingerprinter = fingerprinter
        self._redactor = redactor
        self._current_spans = current_spans
        self._fault = fault
        self._succeeded = succeeded
        self._operation: ContextVar[str | None] = ContextVar("sentry_filters_operation", default=None)
        self._by_request: weakref.WeakKeyDictionary[object, Call] = weakref.WeakKeyDictionary()
        self._by_response: weakref.WeakKeyDictionary[object, Response] = weakref.WeakKeyDictionary()
        self._by_span: SpanMemory[Call] = SpanMemory()
        self._failed_by_span: SpanMemory[tuple[Response, weakref.ref[object]]] = SpanMemory()

    @contextlib.contextmanager
    def operation(self, name: str) -> Iterator[None]:
        """Name the operation of the calls inside, whatever their URL."""
        token = self._operation.set(name)
        try:
            yield
        finally:
            self._operation.reset(token)

    def began(self, request: object, headers: Headers) -> None:
        """Take note that a client is about to send `request`.

        Args:
            request: The client's own object, which can be referenced weakly.
            headers: As they will be sent.
        """
        try:
            credential = self._credential(headers)
            session = None
            if credential is not None:
                self._redactor.register(credential)
                session = self._fingerprinter.of(credential)
            call = Call(session, time.time(), time.monotonic(), self._operation.get(), self._current_spans())
            self._by_request[request] = call
            for trace_id, span_id in call.spans:
                self._by_span.put(trace_id, span_id, call)
        except Exception as error:  # noqa: BLE001 - the call continues, unobserved
            self._fault("http", error)

    def answered(self, request: object, response: object, status: int, url: object) -> None:
        """Take note of a response, where its status can be an expired session's, or shows a living one.

        Args:
            request: What `began` was given.
            response: The client's own object, which can be referenced weakly.
            status: HTTP status.
            url: Where the request was sent: text, or what `str` turns into it.
        """
        success = 200 <= status < 300
        if not success and status not in conventions.SESSION_STATUSES:
            return
        try:
            call = self._by_request.get(request)
            if call is not None and success:
                self._note_success(call, str(url))
            elif call is not None:
                self._record(call, response, status, str(url))
        except Exception as error:  # noqa: BLE001 - as above
            self._fault("http", error)

    def recorded(self, response: object) -> Response | None:
        """Return what was recorded about a client's response object, None where nothing was."""
        try:
            return self._by_response.get(response)
        except Exception:  # noqa: BLE001 - whatever a foreign object raises: it was not seen here
            return None

    def call_of(self, trace_id: str, span_id: str) -> Call | None:
        """Return the latest call that was sent while this span was active, None where none is remembered."""
        return self._by_span.get(trace_id, span_id)

    def response_of(self, trace_id: str, span_id: str) -> Response | None:
        """Return the failed response that arrived under this span, with its body's codes if it was read."""
        remembered = self._failed_by_span.get(trace_id, span_id)
        if remembered is None:
            return None
        facts, live = remembered
        body = text_if_read(live())
        return replace(facts, codes=codes_of_text(body), body=body) if body else facts

    def _note_success(self, call: Call, url: str) -> None:
        if call.session is None:
            return
        endpoint = endpoint_of_url(url)
        operation = call.operation or operation_of_path(path_of_url(url), self._policy)
        if operation is not None and endpoint is not None and serves(self._policy.endpoints, endpoint):
            self._succeeded(call.session, call.began)

    def _record(self, call: Call, response: object, status: int, url: str) -> None:
        trace_id, span_id = call.spans[0] if call.spans else (None, None)
        facts = Response(
            status=status,
            endpoint=endpoint_of_url(url),
            path=path_of_url(url),
            operation=call.operation,
            session=call.session,
            started_at=call.started_at,
            began=call.began,
            trace_id=trace_id,
            span_id=span_id,
            recorded=True,
        )
        self._by_response[response] = facts
        for active in call.spans:
            self._failed_by_span.put(*active, (facts, weakref.ref(response)))

    def _credential(self, headers: Headers) -> str | None:
        values = (headers.get(name) for name in self._policy.credential_headers)
        return next((token_of(value) for value in values if value), None)
