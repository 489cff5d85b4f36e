"""What the wire said about each call, whatever client made it; kept by call, for a while, and never changed.

A client's own file beside this one says when a request begins and when a response arrives. Facts are never
put on an ambient scope, where they would make the next unrelated error look like ours.
"""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from sentry_filters.core import Backends, Fault, Policy
from sentry_filters.evidence import (
    Body,
    Credentials,
    Response,
    SpanMemory,
    answered_by_backend,
    body_if_read,
    body_of_text,
    endpoint_of_url,
    path_of_url,
    with_body,
)
from sentry_filters.http.links import held_by
from sentry_filters.http.nearby import Nearby
from sentry_filters.http.recent import Recent

# Characters of a body that are kept for a while, for the reason of an expiry; its codes are kept in full.
_MOST_KEPT = 4_096

SpanIds = tuple[str, str]
"""Trace id (32 hex digits) and span id (16 hex digits)."""


Learned = Callable[[bytes], None]
"""Takes the whole body of a response, content encodings undone. Never raises."""

HeaderPairs = Sequence[tuple[str, str]]
"""A message's headers: names in lower case, and values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a client's own file says about a response whose status can be an expired session's.

    Args:
        status: HTTP status.
        url: Where the request was sent.
        method: HTTP method.
        sent: The request's headers, as they were sent at last.
        headers: The response's.
    """

    status: int
    url: str
    method: str | None = None
    sent: HeaderPairs | None = None
    headers: HeaderPairs | None = None


class RegistersCredentials(Protocol):
    """The redactor, as far as this room needs it."""

    def register_sent(self, value: str, *, own: bool) -> None:
        """Remove `value`, which is sent to one of our own hosts or not, from whatever is exported."""


class Call(NamedTuple):
    """A call on its way.

    Args:
        session: Fingerprint of the credential that it was sent with, None without one.
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


class _Answered:
    """What is known of one failed call. Its body may become known later, when the application reads it."""

    def __init__(self, facts: Response) -> None:
        self.facts = facts

    def learn(self, body: Body) -> None:
        text = body.text if body.text is None else body.text[:_MOST_KEPT]
        self.facts = with_body(self.facts, replace(body, text=text))

    def learn_text(self, body: bytes) -> None:
        self.learn(body_of_text(body))


class Calls:
    """Remembers the calls of one guard's instrumented clients. Thread-safe; never raises.

    A failed call is remembered with its client's response object, for as long as that lives, and by the spans
    it was sent under, in a bounded, expiring memory, with what its body said: a response is often gone when
    its span ends. The credential itself is not kept.

    Args:
        backends: Which hosts are our own.
        credentials: Finds the credential among a request's headers.
        redactor: Registers every credential, so that it can be removed from what is exported.
        current_spans: The spans that are active at this moment, of whatever tracers are in use.
        fault: Takes note of internal faults, which never reach the call.
        succeeded: Is given the policy, the credential's fingerprint, and the start by `time.monotonic`, of
            each LLM call that one of the policy's hosts answered with success.

    Attributes:
        nearby: Finds failed calls by their trace or task.
    """

    def __init__(
        self,
        backends: Backends,
        credentials: Credentials,
        redactor: RegistersCredentials,
        current_spans: Callable[[], tuple[SpanIds, ...]],
        fault: Fault,
        succeeded: Callable[[Policy, str, float], None],
    ) -> None:
        self._backends = backends
        self._credentials = credentials
        self._redactor = redactor
        self._current_spans = current_spans
        self._fault = fault
        self._succeeded = succeeded
        self._operation: ContextVar[str | None] = ContextVar("sentry_filters_operation", default=None)
        self._recent_session: Recent[tuple[tuple[str, str], ...], str | None] = Recent(self._session)
        self._of_llm_call: Recent[tuple[str, str | None], Policy | None] = Recent(self._find_policy)
        self._by_response: weakref.WeakKeyDictionary[object, _Answered] = weakref.WeakKeyDictionary()
        self._by_span: SpanMemory[Call] = SpanMemory()
        self._failed_by_span: SpanMemory[_Answered] = SpanMemory()
        self.nearby = Nearby()

    @property
    def credential_headers(self) -> Collection[str]:
        """The only headers that `sending` needs, in lower case."""
        return self._backends.credential_headers

    @contextlib.contextmanager
    def operation(self, name: str) -> Iterator[None]:
        """Name the operation of the calls inside, whatever their URL."""
        token = self._operation.set(name)
        try:
            yield
        finally:
            self._operation.reset(token)

    def sending(
        self, headers: tuple[tuple[str, str], ...], url: Callable[[], object] | None = None
    ) -> Call | None:
        """Take note that a client is about to send a request; None where that failed.

        Args:
            headers: As they will be sent; those of `credential_headers` are enough.
            url: Returns where to; asked only for a credential that was not sent a moment ago.
        """
        try:
            now, spans = time.monotonic(), self._current_spans()
            session = self._recent_session.of(headers, now, url) if headers else None
            call = Call(session, time.time(), now, self._operation.get(), spans)
            for trace_id, span_id in spans:
                self._by_span.put(trace_id, span_id, call)
        except Exception as error:  # noqa: BLE001 - the call continues, unobserved
            self._fault("http", error)
            return None
        return call

    def answered(self, call: Call, response: object, answer: Answer) -> Learned | None:
        """Take note of a response whose status can be an expired session's.

        Args:
            call: What `sending` returned.
            response: The client's own object, which can be referenced weakly.
            answer: What it says.

        Returns:
            What takes its body, where one of our own hosts answered; else None.
        """
        try:
            return self._record(call, response, answer)
        except Exception as error:  # noqa: BLE001 - as above
            self._fault("http", error)
            return None

    def succeeded(self, call: Call, url: str) -> None:
        """Take note of a successful response: at an LLM path of our own hosts it shows a living session.

        Args:
            call: What `sending` returned.
            url: Where the request was sent.
        """
        if call.session is None:
            return
        try:
            policy = self._of_llm_call.of((url, call.operation), time.monotonic())
            if policy is not None:
                self._succeeded(policy, call.session, call.began)
        except Exception as error:  # noqa: BLE001 - as above
            self._fault("http", error)

    def fault(self, error: Exception) -> None:
        """Take note of an internal fault of a client's own file."""
        self._fault("http", error)

    def recorded(self, response: object) -> Response | None:
        """Return what was recorded about a client's response object, or one that it holds; None without."""
        answered = next((one for held in held_by(response) if (one := self._answered(held))), None)
        if answered is None:
            return None
        if not answered.facts.body_known:
            answered.learn(body_if_read(response))
        return answered.facts

    def call_of(self, trace_id: str, span_id: str) -> Call | None:
        """Return the latest call that was sent while this span was active, None where none is remembered."""
        return self._by_span.get(trace_id, span_id)

    def response_of(self, trace_id: str, span_id: str) -> Response | None:
        """Return the failed response that arrived under this span, with what its body said if it was read."""
        answered = self._failed_by_span.get(trace_id, span_id)
        return None if answered is None else answered.facts

    def _answered(self, response: object) -> _Answered | None:
        try:
            return self._by_response.get(response)
        except Exception:  # noqa: BLE001 - a foreign object's hash raises what it likes: it was not seen here
            return None

    def _record(self, call: Call, response: object, answer: Answer) -> Learned | None:
        trace_id, span_id = call.spans[0] if call.spans else (None, None)
        session = call.session
        if answer.sent is not None:
            # A later hook, or a redirect, has changed it.
            session = self._session(answer.sent, lambda: answer.url)
        endpoint = endpoint_of_url(answer.url)
        answered = _Answered(
            Response(
                status=answer.status,
                endpoint=endpoint,
                path=path_of_url(answer.url),
                operation=call.operation,
                method=answer.method,
                by_backend=None if answer.headers is None else answered_by_backend(answer.headers),
                credential=session is not None,
                session=session,
                started_at=call.started_at,
                began=call.began,
                trace_id=trace_id,
                span_id=span_id,
                recorded=True,
            )
        )
        self._by_response[response] = answered
        for active in call.spans:
            self._failed_by_span.put(*active, answered)
        self.nearby.put(answered, (trace_id for trace_id, _ in call.spans))
        return answered.learn_text if self._is_own(answer.url) else None

    def _find_policy(self, asked: tuple[str, str | None]) -> Policy | None:
        """Return the policy whose backend an LLM call is sent to, None for any other call."""
        url, named = asked
        endpoint = endpoint_of_url(url)
        policy = None if endpoint is None else self._backends.at(endpoint)
        if policy is None or (named or policy.operation_of_path(path_of_url(url))) is None:
            return None
        return policy

    def _is_own(self, url: str) -> bool:
        endpoint = endpoint_of_url(url)
        return endpoint is not None and self._backends.at(endpoint) is not None

    def _session(self, headers: HeaderPairs, url: Callable[[], object] | None = None) -> str | None:
        """Return the credential's fingerprint; from now on no export has the credential in it."""
        token = self._credentials.token(headers)
        if token is not None:
            self._redactor.register_sent(token, own=url is not None and self._is_own(str(url())))
        return self._credentials.session(token)
