"""From an exception back to the failed responses that caused it.

`__cause__` is followed, and every leaf of an exception group counts. The implicit `__context__` is not: an
error in the handling of a 401 is a bug of its own. The exception to that is an exception which only
translates the failure: it states the same status, or its text holds the text of what it handles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from sentry_filters.evidence.attributes import attribute, text_of
from sentry_filters.evidence.conventions import SERVER_FRAMEWORKS, SESSION_STATUSES
from sentry_filters.evidence.exchange import Exchange, Reading, exchange_of, stated_status
from sentry_filters.evidence.failure import Failure
from sentry_filters.evidence.held import (
    Failed,
    exchanges_around,
    exchanges_on,
    leads_nowhere,
    states_session_status,
)
from sentry_filters.evidence.quoted import LEAST_TELLING, another_quoted, tells_of_two
from sentry_filters.evidence.tracebacks import raised_while_handled

_MOST_LINKS = 64
_MOST_LEAVES = 256
_QUOTES = "'\"`"

FailuresOf = Callable[[object], tuple[Failure, ...]]
"""`failures_of` with how facts are read."""


@dataclass(frozen=True, slots=True)
class _Chain:
    """An exception and what it leads to.

    Args:
        links: The reported exception first; empty where a group could not be looked through.
        found: What the exchange at its end says, None where no link holds one.
        other_exception: Whether it ends at an exception whose own class has another job.
    """

    links: list[BaseException]
    found: Exchange | None = None
    other_exception: bool = False


def failures_of(error: object, reading: Reading) -> tuple[Failure, ...]:
    """Return the failed call behind `error`, or one a leaf where it is, or comes from, an exception group.

    A client's response is a failed call by itself; what is neither leads to none.

    Never raises: attributes that raise count as absent. Cycles end where they close; a group too large to
    look through yields a failure without evidence, so that it is kept.

    Args:
        error: The exception as reported, or what else a report was given.
        reading: How facts are read off foreign objects.
    """
    if not isinstance(error, BaseException):
        found = exchange_of(error, reading)
        return () if found is None else (Failure(response=found.response),)
    if leads_nowhere(error):
        return (Failure(text=text_of(error), other_exception=_has_another_job(error)),)
    failed = Failed(error, reading)
    failures = []
    for chain in _chains(error, reading):
        failures.append(_failure(chain, failed, reading))
        if len(failures) >= _MOST_LEAVES:
            failures.append(Failure())
            break
    return tuple(failures)


def _chains(error: BaseException, reading: Reading) -> Iterator[_Chain]:
    """Yield the chain of `error`; where it reaches a group, one chain for each leaf."""
    pending: list[tuple[list[BaseException], BaseException]] = [([], error)]
    seen: set[int] = set()
    while pending:
        above, link = pending.pop()
        below = _links(link, reading)
        links = [*above, *below.links]
        last = links[-1]
        if not isinstance(last, BaseExceptionGroup) or below.other_exception:
            yield replace(below, links=links)
        elif id(last) in seen:
            yield _Chain(links[:1])
        else:
            seen.add(id(last))
            leaves = _leaves(last) if len(links) <= _MOST_LINKS else ()
            if not leaves:
                yield _Chain([])  # its content is unknown: no evidence, whatever the group's own message is
            pending.extend((links, leaf) for leaf in reversed(leaves))


def _leaves(group: BaseException) -> tuple[BaseException, ...]:
    """Return what is in `group`, nothing where that cannot be read in full."""
    leaves = attribute(group, "exceptions")
    if not isinstance(leaves, tuple) or not all(isinstance(leaf, BaseException) for leaf in leaves):
        return ()
    return leaves


def _links(error: BaseException, reading: Reading) -> _Chain:
    links = [error]
    made_up = None
    while not isinstance(links[-1], BaseExceptionGroup):
        last = links[-1]
        carried = list(islice(exchanges_on(last, reading), _MOST_LINKS))
        received = next((one for one in carried if one.received), None)
        if received is None and _has_another_job(last):
            return _Chain(links, other_exception=True)
        found = _completed(received, last, reading)
        if found is not None:
            return _Chain(links, found)  # no exception further down is nearer the wire
        made_up = next(iter(carried), made_up)
        below = _below(last, reading)
        if below is None or _closes(links, below):
            return _Chain(links, _around(links, reading) or made_up)
        links.append(below)
    return _Chain(links)


def _closes(links: list[BaseException], below: BaseException) -> bool:
    return len(links) >= _MOST_LINKS or any(below is link for link in links)


def _below(error: BaseException, reading: Reading) -> BaseException | None:
    """Return what `error` was raised from, or what it only translates.

    What states a failure itself and was raised before, elsewhere, does not come from `__cause__`.
    """
    cause = attribute(error, "__cause__")
    if isinstance(cause, BaseException):
        comes_from_it = not states_session_status(error) or raised_while_handled(error, cause)
        return cause if comes_from_it else None
    handled = attribute(error, "__context__")
    if isinstance(handled, BaseException) and _translates(error, handled, reading):
        return handled
    return None


def _translates(error: BaseException, handled: BaseException, reading: Reading) -> bool:
    if not raised_while_handled(error, handled):
        return False
    status = stated_status(error)
    if status in SESSION_STATUSES and status == _status_behind(handled, reading):
        return True
    return _passes_on(text_of(error), text_of(handled))


def _passes_on(text: str, handled: str) -> bool:
    """Say whether a text holds another; in quotes it is a value, as in what `int` says of its argument."""
    at = text.find(handled) if len(handled) >= LEAST_TELLING else -1
    return at == 0 or (at > 0 and text[at - 1] not in _QUOTES)


def _status_behind(error: BaseException, reading: Reading) -> int | None:
    """Return the status that an exception, or the nearest of what it was raised from, states."""
    link: object = error
    for _ in range(_MOST_LINKS):
        if not isinstance(link, BaseException):
            return None
        found = next(exchanges_on(link, reading), None)
        status = stated_status(link) if found is None else found.response.status
        if status is not None:
            return status
        link = attribute(link, "__cause__") or attribute(link, "__context__")
    return None


def _completed(received: Exchange | None, error: BaseException, reading: Reading) -> Exchange | None:
    """Return what an exception is about: the exchange it carries, or the one its own traceback shows."""
    status = stated_status(error) if received is None else received.response.status
    origin = None if received is None else received.response.endpoint
    if origin is not None or status not in SESSION_STATUSES:
        return received
    near = _nearest(error, reading, (status,))
    if near is None or received is None:
        return near or received
    return _together(near, received)


def _around(links: list[BaseException], reading: Reading) -> Exchange | None:
    for link in reversed(links):
        if states_session_status(link):
            near = _nearest(link, reading, SESSION_STATUSES)
            if near is not None:
                return near
    return None


def _nearest(error: BaseException, reading: Reading, statuses: tuple[int | None, ...]) -> Exchange | None:
    """Return the exchange among the locals of the traceback that is nearest to where `error` was raised."""
    return next(
        (
            one
            for one in exchanges_around(error, reading)
            if one.received and one.response.endpoint is not None and one.response.status in statuses
        ),
        None,
    )


def _together(near: Exchange, carried: Exchange) -> Exchange:
    """Return what a response without a URL and one of the locals say together, as with botocore."""
    response, known = near.response, carried.response
    facts = replace(
        response,
        codes=response.codes | known.codes,
        body=response.body or known.body,
        body_known=response.body_known or known.body_known,
    )
    return replace(carried, response=facts)


def _failure(chain: _Chain, failed: Failed, reading: Reading) -> Failure:
    if not chain.links:
        return Failure()
    found = chain.found
    texts = [text_of(link) for link in chain.links]
    quoted = another_quoted(map(text_of, failed.tellers), map(text_of, failed.errors))
    return Failure(
        text="\n".join(filter(None, texts)),
        response=None if found is None else found.response,
        raised_while_handling=found is None and _raised_while_handling(chain.links[-1], reading),
        other_exception=chain.other_exception,
        rivals=frozenset(failed.origins | quoted.origins),
        answers=tuple(failed.answers),
        second_failure=found is not None
        and found.response.endpoint is not None
        and (
            quoted.second
            or any(map(tells_of_two, texts))
            or _is_beside_another(chain, found, failed, reading)
        ),
    )


def _is_beside_another(chain: _Chain, found: Exchange, failed: Failed, reading: Reading) -> bool:
    """Say whether the report leads to a refused call beside `found` whose origin nobody knows."""
    if any(one is not found.holder for one in failed.of_unknown_origin):
        return True
    for error in failed.errors:
        if stated_status(error) in SESSION_STATUSES and not any(error is link for link in chain.links):
            another = _links(error, reading).found
            if another is None or not another.received:
                return True
    return False


def _raised_while_handling(error: BaseException, reading: Reading) -> bool:
    for _ in range(_MOST_LINKS):
        explicit = attribute(error, "__cause__") is not None or attribute(error, "__suppress_context__")
        handled = attribute(error, "__context__")
        if explicit or not isinstance(handled, BaseException):
            return False
        error = handled
        found = next(exchanges_on(error, reading), None)
        if found is not None and found.response.status in SESSION_STATUSES:
            return True
    return False


def _has_another_job(error: BaseException) -> bool:
    """Say whether an exception's own class reports something else than a failed call of a client.

    HTTP clients' errors are OSErrors, too (requests, urllib, aiohttp), but those state a status.
    """
    if isinstance(error, OSError):
        return stated_status(error) is None
    return any(
        kind.__name__ == "HTTPException" or kind.__module__.startswith(SERVER_FRAMEWORKS)
        for kind in type(error).__mro__
    )
