"""From an exception back to the failed response that caused it.

`__cause__` is followed, and every leaf of an exception group counts. The implicit `__context__` is not: an
error in the handling of a 401 is a bug of its own. The exception to that is an exception which itself
states the status (`.status_code`), since that one only translates the failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sentry_filters.evidence.body_codes import codes_of, codes_of_text, text_if_read
from sentry_filters.evidence.conventions import SESSION_STATUSES
from sentry_filters.evidence.failure import Failure, Response, status_number
from sentry_filters.evidence.hosts import endpoint_of_url, path_of_url

_MOST_LINKS = 64
_MOST_LEAVES = 256

Recorded = Callable[[object], Response | None]
"""Returns what `instrument` recorded about a client's response object, None where it saw none."""

FailuresOf = Callable[[BaseException], tuple[Failure, ...]]
"""`failures_of` with what was recorded."""


def failures_of(error: BaseException, recorded: Recorded) -> tuple[Failure, ...]:
    """Return the failed call behind `error`, or one a leaf where it is, or comes from, an exception group.

    Never raises: attributes that raise count as absent. Cycles end where they close; a group too large to
    look through yields a failure without evidence, so that it is kept.

    Args:
        error: The exception as reported.
        recorded: What `instrument` saw.
    """
    failures = []
    for chain in _chains(error, recorded):
        failures.append(_failure(chain, recorded))
        if len(failures) >= _MOST_LEAVES:
            failures.append(Failure())
            break
    return tuple(failures)


def _chains(error: BaseException, recorded: Recorded) -> Iterator[list[BaseException]]:
    """Yield the explicit chain of `error`; where it reaches a group, one chain for each leaf."""
    pending: list[tuple[list[BaseException], BaseException]] = [([], error)]
    seen: set[int] = set()
    while pending:
        above, link = pending.pop()
        chain = [*above, *_links(link, recorded)]
        last = chain[-1]
        if not isinstance(last, BaseExceptionGroup):
            yield chain
        elif id(last) in seen:
            yield chain[:1]
        else:
            seen.add(id(last))
            leaves = _leaves(last) if len(chain) <= _MOST_LINKS else ()
            if not leaves:
                yield []  # its content is unknown: no evidence, whatever the group's own message is
            pending.extend((chain, leaf) for leaf in reversed(leaves))


def _leaves(group: BaseException) -> tuple[BaseException, ...]:
    """Return what is in `group`, nothing where that cannot be read in full."""
    leaves = _attribute(group, "exceptions")
    if not isinstance(leaves, tuple) or not all(isinstance(leaf, BaseException) for leaf in leaves):
        return ()
    return leaves


def _links(error: BaseException, recorded: Recorded) -> list[BaseException]:
    links = [error]
    seen = {id(error)}
    while len(links) < _MOST_LINKS:
        last = links[-1]
        if isinstance(last, BaseExceptionGroup) or _came_over_the_wire(last, recorded):
            break
        below = _attribute(last, "__cause__")
        if below is None and status_number(_attribute(last, "status_code")) in SESSION_STATUSES:
            below = _attribute(last, "__context__")
        if not isinstance(below, BaseException) or id(below) in seen:
            break
        seen.add(id(below))
        links.append(below)
    return links


def _failure(chain: list[BaseException], recorded: Recorded) -> Failure:
    if not chain:
        return Failure()
    text = "\n".join(filter(None, map(_text, chain)))
    known = [facts for link in chain if (facts := _response_of(link, recorded)) is not None]
    seen = [facts for facts in known if facts.recorded]
    if known:
        return Failure(text=text, response=(seen or known)[-1])
    return Failure(text=text, raised_while_handling=_raised_while_handling(chain[-1]))


def _raised_while_handling(error: BaseException) -> bool:
    for _ in range(_MOST_LINKS):
        explicit = _attribute(error, "__cause__") is not None or _attribute(error, "__suppress_context__")
        handled = _attribute(error, "__context__")
        if explicit or not isinstance(handled, BaseException):
            return False
        error = handled
        if status_number(_attribute(_attribute(error, "response"), "status_code")) in SESSION_STATUSES:
            return True
    return False


def _response_of(error: BaseException, recorded: Recorded) -> Response | None:
    response = _attribute(error, "response")
    status = status_number(_attribute(response, "status_code"))
    if status is None:
        return None
    body = _read_body(response)
    codes = codes_of(_attribute(error, "body")) | codes_of({"code": _attribute(error, "code")})
    if body is not None:
        codes |= codes_of_text(body)
    facts = recorded(response)
    if facts is not None:
        return replace(facts, codes=facts.codes | codes, body=body)
    url = _url(response) or _url(_attribute(error, "request"))
    return Response(
        status=status, endpoint=endpoint_of_url(url), path=path_of_url(url), codes=codes, body=body
    )


def _came_over_the_wire(error: BaseException, recorded: Recorded) -> bool:
    """Say whether a client really received the response: then no exception further down is nearer the wire.

    litellm attaches responses that it made up; those carry no extensions of a transport.
    """
    response = _attribute(error, "response")
    return bool(_attribute(response, "extensions")) or recorded(response) is not None


def _url(holder: object) -> str:
    url = _attribute(holder, "url")
    return "" if url is None else _text(url)


def _read_body(response: object) -> str | None:
    return None if _attribute(response, "extensions") is None else text_if_read(response)


def _attribute(holder: object, name: str) -> object:
    try:
        return getattr(holder, name, None)
    except Exception:  # noqa: BLE001 - properties of foreign exceptions raise what they like; then it is unknown
        return None


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - as above: a broken __str__ is no evidence
        return ""
