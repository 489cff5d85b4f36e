"""What a text quotes beside the failure that it is about: another failure, of which nothing else is left."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from sentry_filters.evidence.hosts import Endpoint, endpoint_of_url

LEAST_TELLING = 8
"""Characters; shorter texts stand in others by chance."""

_LONGEST_TEXT = 16_384
# botocore's messages state a code of the service instead of the status.
_FAILED_STATUS = re.compile(r"(?<![\w.])[45]\d\d(?!\w)|An error occurred \(")
# "package.SomeError: ", by which libraries begin the text of an error of theirs.
_NAMED = re.compile(r"\b(?:\w{1,64}\.){1,8}[A-Z]\w{1,64}: ")
_URL = re.compile(r"https?://[^\s'\"<>)\]]+")
# httpx's messages end with where to read about the status.
_DOCUMENTATION = "developer.mozilla.org"


class Quoted(NamedTuple):
    """What else is quoted.

    Args:
        second: Whether a text that quotes the failure states another status beside it.
        origins: What URLs in a text lead to that states a failed status.
    """

    second: bool
    origins: frozenset[Endpoint]


def another_quoted(texts: Iterable[str], errors: Iterable[str]) -> Quoted:
    """Return what exceptions quote beside what they come from.

    Args:
        texts: The texts of those that carry no response.
        errors: The texts of all exceptions that a report leads to.
    """
    second, origins = False, set[Endpoint]()
    known: list[str] | None = None
    for text in filter(states_failure, (one[:_LONGEST_TEXT] for one in texts)):
        known = sorted(set(errors), key=len, reverse=True) if known is None else known
        rest = without(text, (one for one in known if len(one) < len(text)))
        if states_failure(rest):
            second |= len(rest) < len(text)
            origins |= _origins_in(rest)
    return Quoted(second, frozenset(origins))


def without(text: str, quoted: Iterable[str]) -> str:
    """Return a text without others that it quotes, each once: who else says the same says it again."""
    for one in quoted:
        if len(one) >= LEAST_TELLING:
            text = text.replace(one, "", 1)
    return text


def states_failure(text: str) -> bool:
    """Say whether a text states a failed response's status."""
    return _FAILED_STATUS.search(text[:_LONGEST_TEXT]) is not None


def tells_of_two(text: str) -> bool:
    """Say whether a text names the same class of errors at two places: a router tells of its fallback's, too.

    Twice at one place is one error that was wrapped.
    """
    ends: dict[str, int] = {}
    for named in _NAMED.finditer(text[:_LONGEST_TEXT]):
        if named.start() > ends.get(named[0], named.start()):
            return True
        ends[named[0]] = named.end()
    return False


def _origins_in(text: str) -> set[Endpoint]:
    found = (endpoint_of_url(url) for url in _URL.findall(text))
    return {one for one in found if one is not None and one.host != _DOCUMENTATION}
