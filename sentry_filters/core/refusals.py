"""The gate's own refusals: a report of one is the filter's doing, and no failure of its own.

A refusal is recognised by its type, never by its text alone. What the application raises `from` it is the
application's error, unless it only passes the refusal's text on.
"""

from __future__ import annotations

from collections.abc import Iterator

from sentry_filters.core.session import SessionExpiredError
from sentry_filters.evidence import attribute, status_number, text_of

REFUSED_BY_GATE = "refused_by_gate"
"""The reason under which reports of refusals are counted."""

_PACKAGE = f"{__name__.partition('.')[0]}."
_MOST_LINKS = 64
_MOST_LEAVES = 256
_STATUSES = ("status_code", "status", "code")


def refusal_of(error: BaseException | None) -> SessionExpiredError | None:
    """Return the gate's refusal that `error` is, or only passes on; None for every other error.

    An exception group is one where every leaf is. Never raises; bounded in what it looks at.

    Args:
        error: The exception as it is reported.
    """
    found = None
    for leaf in _leaves(error):
        refusal = _passed_on(leaf)
        if refusal is None:
            return None
        found = found or refusal
    return found


def names_refusal(type_name: str) -> bool:
    """Say whether a type's name with its module, as in `exception.type`, is that of the gate's refusal."""
    return type_name.startswith(_PACKAGE) and type_name.rpartition(".")[2] == SessionExpiredError.__qualname__


def everything_below(error: BaseException) -> tuple[BaseException, ...] | None:
    """Return what an exception came from, was raised while handling, or groups; None where it is too much."""
    found: list[BaseException] = []
    seen = {id(error)}
    pending = [error]
    while pending:
        one = pending.pop()
        for link in (_link(one, "__cause__"), _link(one, "__context__"), *_members(one)):
            if link is not None and id(link) not in seen:
                seen.add(id(link))
                pending.append(link)
                found.append(link)
        if len(found) > _MOST_LINKS:
            return None
    return tuple(found)


def _leaves(error: BaseException | None) -> Iterator[BaseException | None]:
    pending = [error]
    for _ in range(_MOST_LEAVES):
        if not pending:
            return
        one = pending.pop()
        members = _members(one)
        if members:
            pending.extend(reversed(members))
        else:
            yield one
    yield None  # too large to look through: not certain


def _members(error: BaseException | None) -> tuple[BaseException, ...]:
    members = attribute(error, "exceptions") if isinstance(error, BaseExceptionGroup) else ()
    return members if isinstance(members, tuple) else ()


def _passed_on(error: BaseException | None) -> SessionExpiredError | None:
    """Follow errors whose text holds the text of what they were raised from, down to a refusal."""
    for _ in range(_MOST_LINKS):
        if error is None or isinstance(error, SessionExpiredError):
            return error
        handled = None if attribute(error, "__suppress_context__") else _link(error, "__context__")
        source = _link(error, "__cause__") or handled
        if source is None or _has_another_job(error) or not _holds(text_of(error), text_of(source)):
            return None
        error = source
    return None


def _link(error: BaseException, name: str) -> BaseException | None:
    link = attribute(error, name)
    return link if isinstance(link, BaseException) else None


def _has_another_job(error: BaseException) -> bool:
    """Say whether an error is an answer of the system, or of the application's own server."""
    return isinstance(error, OSError) or any(
        status_number(attribute(error, name)) is not None for name in _STATUSES
    )


def _holds(text: str, part: str) -> bool:
    return bool(part) and part in text
