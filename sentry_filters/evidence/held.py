"""Which exchanges an exception holds: on itself, in its arguments, among the locals of its traceback."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from sentry_filters.evidence.attributes import attribute, text_of
from sentry_filters.evidence.conventions import FIRST_FAILURE, SESSION_STATUSES
from sentry_filters.evidence.exchange import (
    Exchange,
    Reading,
    bare_exchange,
    exchange_of,
    stated_status,
    url_of,
    with_error_body,
)
from sentry_filters.evidence.failure import Response
from sentry_filters.evidence.hosts import Endpoint, endpoint_of_url
from sentry_filters.evidence.tracebacks import local_values

_MOST_VALUES = 64
_MOST_ERRORS = 64
_MOST_LOCALS = 4_096
_LONGEST_TEXT = 16_384
_SESSION_STATUS = re.compile(rf"(?<!\d)(?:{'|'.join(map(str, SESSION_STATUSES))})(?!\d)")
_RESPONSES = ("response", "raw_response")  # … mistralai's
_LEADS = (
    "__cause__", "__context__", "exceptions", *_RESPONSES, "status_code", "status", "code", "url", "request",
    "request_info", "geturl", "__dict__",
)  # fmt: skip


def leads_nowhere(error: BaseException) -> bool:
    """Say cheaply whether an exception certainly holds and states no call, as most do."""
    args = attribute(error, "args")
    if not isinstance(args, tuple) or not all(isinstance(arg, str | int | float | None) for arg in args):
        return False
    return _has_none(error, _LEADS) and _SESSION_STATUS.search(text_of(error)[:_LONGEST_TEXT]) is None


def _has_none(error: BaseException, names: Iterable[str]) -> bool:
    try:
        for name in names:  # a plain loop: every event pays for it
            if getattr(error, name, None):
                return False
    except Exception:  # noqa: BLE001 - properties of foreign exceptions raise what they like; then it is unknown
        return False
    return True


def exchanges_on(error: BaseException, reading: Reading) -> Iterator[Exchange]:
    """Yield what an exception itself carries: its response first, then what else lies on it."""
    responses = _responses_of(error, reading)
    yield from (with_error_body(one, error) for one in responses)
    own = exchange_of(error, reading)
    # Beside a response that litellm made up, the exception's own request is made up, too.
    if own is not None and not responses:
        yield with_error_body(own, error)
    for value in _values(error):
        one = _of_error(value, reading) if isinstance(value, BaseException) else exchange_of(value, reading)
        if one is not None:
            yield one


def _responses_of(error: BaseException, reading: Reading) -> list[Exchange]:
    url = url_of(error)
    held = (bare_exchange(attribute(error, name), url, reading) for name in _RESPONSES)
    return [one for one in held if one is not None]


def _of_error(error: BaseException, reading: Reading) -> Exchange | None:
    return next(iter(_responses_of(error, reading)), None) or exchange_of(error, reading)


def exchanges_around(error: BaseException, reading: Reading) -> Iterator[Exchange]:
    """Yield what the locals hold where an exception was raised first, innermost frame first."""
    for value in local_values(error, own=True):
        if isinstance(value, BaseException):
            if value is not error:
                yield from exchanges_on(value, reading)
        elif (one := exchange_of(value, reading)) is not None:
            yield one


def states_session_status(error: BaseException) -> bool:
    """Say whether an exception itself states 401 or 403, by its status or in its text."""
    if stated_status(error) in SESSION_STATUSES:
        return True
    return _SESSION_STATUS.search(text_of(error)[:_LONGEST_TEXT]) is not None


class Failed:
    """All failed exchanges that an exception leads to, in whatever place: the veto's evidence.

    Args:
        error: The exception: its causes, contexts, leaves and arguments count, and what lies in the
            tracebacks of those that state 401 or 403.
        reading: How facts are read.

    Attributes:
        origins: Whose they are.
        of_unknown_origin: What holds those whose origin nobody knows.
        errors: All exceptions that were looked at.
        tellers: Those of them that carry no exchange: what they know of any is in their texts.
    """

    def __init__(self, error: BaseException, reading: Reading) -> None:
        self.origins: set[Endpoint] = set()
        self.answers: list[Response] = []
        self.of_unknown_origin: list[object] = []
        self.tellers: list[BaseException] = []
        self._reading = reading
        self._locals_left = _MOST_LOCALS
        self.errors: list[BaseException] = []
        self._seen: set[int] = set()
        self._pending = [error]
        while self._pending and len(self._seen) < _MOST_ERRORS:
            one = self._pending.pop()
            if id(one) not in self._seen:
                self._seen.add(id(one))
                self.errors.append(one)
                self._look_at(one)

    def _look_at(self, error: BaseException) -> None:
        carried = list(islice(exchanges_on(error, self._reading), _MOST_VALUES))
        for exchange in carried:
            self._note(exchange)
        if not carried:
            self.tellers.append(error)
        if attribute(error, "response") is None and stated_status(error) is None:
            # No answer at all, such as a connection that failed: whose it was counts all the same.
            origin = endpoint_of_url(url_of(error) or "")
            if origin is not None:
                self.origins.add(origin)
        self._pending.extend(_related(error))
        if any(one.response.status in SESSION_STATUSES for one in carried) or states_session_status(error):
            self._look_around(error)

    def _look_around(self, error: BaseException) -> None:
        values = list(islice(local_values(error, own=False), self._locals_left))
        self._locals_left -= len(values)
        for value in values:
            if isinstance(value, BaseException):
                self._pending.append(value)
            elif (exchange := exchange_of(value, self._reading)) is not None:
                self._note(exchange)

    def _note(self, exchange: Exchange) -> None:
        response = exchange.response
        if not exchange.received or response.status < FIRST_FAILURE:
            return
        if response.endpoint is not None:
            self.origins.add(response.endpoint)
            if response not in self.answers and len(self.answers) < _MOST_ERRORS:
                self.answers.append(response)
        elif response.status in SESSION_STATUSES:
            self.of_unknown_origin.append(exchange.holder)


def _related(error: BaseException) -> Iterator[BaseException]:
    links = (attribute(error, "__context__"), attribute(error, "__cause__"))
    leaves = attribute(error, "exceptions")
    held = (*links, *(leaves[:_MOST_ERRORS] if isinstance(leaves, tuple) else ()), *_values(error))
    yield from (one for one in held if isinstance(one, BaseException))


def _values(error: BaseException) -> list[object]:
    """Return what lies on an exception: its attributes and its arguments."""
    own, args = attribute(error, "__dict__"), attribute(error, "args")
    values: list[object] = list(islice(own.values(), _MOST_VALUES)) if isinstance(own, dict) else []
    return values + (list(args[:_MOST_VALUES]) if isinstance(args, tuple) else [])
