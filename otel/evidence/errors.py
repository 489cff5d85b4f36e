"""Whether an error that a span or log record carries is a certain failure, or another one.

Spans hold copies of exceptions as text. An error is the failure's when its own message matches, or the
message of what it was explicitly raised from; every leaf of an exception group has to. What came up
implicitly while the failure was being handled is an error of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import dropwhile

from opentelemetry.sdk.trace import ReadableSpan

from sentry_filters import Failure, Response
from sentry_filters.core import names_refusal
from sentry_filters.evidence import conventions, endpoint_of_url, path_of_url, states_failure, tells_of_two

from .bodies import body_in
from .lineage import ChildFailure

# What Python's traceback module writes between the links of a chain.
_CAUSE = "The above exception was the direct cause of the following exception:"
# Anybody may have written these texts. No two repetitions match the same characters, so that the time they
# take grows with a text's length and no faster.
_LINK = re.compile(
    rf"\n[^\S\n]*({re.escape(_CAUSE)}|During handling of the above exception, another exception occurred:)\n"
)
_GROUP = "Exception Group Traceback (most recent call last):"
_LEAF = re.compile(r"^[ |]*\+[-+]*(?<=-) (?:\d+|\.\.\.) -+$", re.MULTILINE)
_MARGIN = re.compile(r"^[ ]*[|+]-*[ ]?", re.MULTILINE)
_URL = re.compile(r"https?://[^\s'\"<>)\]]+")

# httpx's messages end with where to read about the status.
_DOCUMENTATION = "https://developer.mozilla.org/"

_LONGEST = 262_144
_LEAST_SPECIFIC = 12  # characters; shorter texts are in others by chance


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error as a span or log record carries it: its message, and its traceback where there is one."""

    message: str
    stacktrace: str = ""


def errors_of(span: ReadableSpan) -> list[ErrorText]:
    """Return the errors that a span carries: its exception events, else its status."""
    found = [error_of(event.attributes) for event in span.events if event.name == conventions.EXCEPTION_EVENT]
    if not found and span.status.description:
        found = [ErrorText(span.status.description)]
    return found


def error_of(attributes: Mapping[str, object] | None, message: str = "") -> ErrorText:
    """Return the error in the attributes of an event or log record; `message` where they have none."""
    attributes = attributes or {}
    return ErrorText(
        str(attributes.get(conventions.EXCEPTION_MESSAGE) or message),
        str(attributes.get(conventions.EXCEPTION_STACKTRACE) or ""),
    )


def error_messages_of(span: ReadableSpan) -> frozenset[str]:
    """Return the messages of the errors that a span carries."""
    return frozenset(error.message for error in errors_of(span) if error.message)


def leads_to(error: ErrorText, child: ChildFailure) -> bool:
    """Say whether an error is the failure's by more than its status: its text, its body or its URL.

    That is what is asked of errors whose span is not known to be above the failed call.
    """
    response = None if child.failure is None else child.failure.response
    body = "" if response is None else (response.body or "").strip()
    own = [*child.texts, body] if body else [*child.texts]
    text = error.message
    specific = _contains_any(text, own) or _names_url(text, response) or _quotes_this_body(text, body)
    return specific and matches(error, child)


def is_refusal(attributes: Mapping[str, object] | None) -> bool:
    """Say whether the attributes of an event, span or log record name the gate's own refusal as the error."""
    attributes = attributes or {}
    name = attributes.get(conventions.EXCEPTION_TYPE) or attributes.get(conventions.ERROR_TYPE)
    return isinstance(name, str) and names_refusal(name)


def messages_of(error: ErrorText) -> list[str]:
    """Return an error's own message, and those of all that it was explicitly raised from."""
    below = [] if not error.stacktrace else _explicit_chain(error.stacktrace[-_LONGEST:])
    return [one for one in (error.message[:_LONGEST], *below) if one]


def matches(error: ErrorText, child: ChildFailure) -> bool:
    """Say whether `error` is `child.failure`; in doubt it is not.

    A traceback that tells of another failed call, too, in whatever way they are chained, is of both.
    """
    if _tells_of_another(error, child):
        return False
    if _message_matches(error.message[:_LONGEST], child):
        return True
    stacktrace = error.stacktrace[-_LONGEST:]
    if _GROUP in stacktrace:
        leaves = [_MARGIN.sub("", leaf) for leaf in _LEAF.split(stacktrace)[1:] if _GROUP not in leaf]
        return bool(leaves) and all(_is_raised_from(leaf, child) for leaf in leaves)
    return _is_raised_from(stacktrace, child)


def _tells_of_another(error: ErrorText, child: ChildFailure) -> bool:
    stacktrace = error.stacktrace[-_LONGEST:]
    parts = [part for leaf in _LEAF.split(stacktrace) for part in _links_of(_MARGIN.sub("", leaf))[::2]]
    texts = (error.message[:_LONGEST], *map(_message, parts))
    return any(
        tells_of_two(text) or (states_failure(text) and not _message_matches(text, child)) for text in texts
    )


def _is_raised_from(stacktrace: str, child: ChildFailure) -> bool:
    return any(_message_matches(message, child) for message in _explicit_chain(stacktrace))


def _explicit_chain(stacktrace: str) -> Iterator[str]:
    """Yield the messages of the outermost exception and of all that it was explicitly raised from."""
    parts = _links_of(stacktrace)
    at = len(parts) - 1
    yield _message(parts[at])
    while at > 0 and parts[at - 1] == _CAUSE:
        at -= 2
        yield _message(parts[at])


def _links_of(stacktrace: str) -> list[str]:
    """Return the sections of a chain's traceback, and between each two the sentence that joins them."""
    parts = _LINK.split(stacktrace)
    for at in range(0, len(parts) - 1, 2):  # without the empty lines before the sentence
        bare = parts[at].rstrip()
        parts[at] = bare + parts[at][len(bare) :].partition("\n")[0]
    return parts


def _message(section: str) -> str:
    """Return what is below the last frame of one exception's traceback."""
    frames, last_frame, rest = section.rpartition('\n  File "')
    lines = (rest if last_frame else frames + rest).splitlines()
    if last_frame:
        lines = list(dropwhile(lambda line: line.startswith("    "), lines[1:]))
    return "\n".join(lines)


def _message_matches(text: str, child: ChildFailure) -> bool:
    if child.failure is None or not text:
        return False
    response = child.failure.response
    body = "" if response is None else (response.body or "").strip()
    own = [*child.texts, body] if body else [*child.texts]
    if _contains_any(text, own):
        return not _contains_any(text, [*child.other_texts])
    return not _quotes_another_body(text, body) and _is_about(text, child, child.failure)


def may_be_about(text: str, failure: Failure) -> bool:
    """Say whether a text states a failure's status, and names no URL but its own."""
    return _states_status(text, failure) and _leads_nowhere_else(text, failure.response)


def _is_about(text: str, child: ChildFailure, failure: Failure) -> bool:
    unambiguous = not child.ambiguous_status or _names_url(text, failure.response)
    return unambiguous and may_be_about(text, failure)


def _quotes_another_body(text: str, body: str) -> bool:
    """Say whether a text quotes a body that is neither this one nor a part of it; an unknown one may be."""
    return bool(body) and body_in(text) is not None and not _quotes_this_body(text, body)


def _quotes_this_body(text: str, body: str) -> bool:
    quoted = body_in(text) if body else None
    if quoted is None:
        return False
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return quoted == value or (isinstance(value, dict) and quoted in value.values())


def _contains_any(text: str, messages: list[str]) -> bool:
    return any(one == text or (len(one) >= _LEAST_SPECIFIC and one in text) for one in messages)


def _states_status(text: str, failure: Failure) -> bool:
    status = failure.status if failure.response is None else failure.response.status
    return status is not None and re.search(rf"(?<![\w.]){status}(?!\.?\w)", text) is not None


def _leads_nowhere_else(text: str, response: Response | None) -> bool:
    if response is None or not _has_endpoint(response):
        return True
    return all(_leads_to(url, response) for url in _urls_in(text))


def _names_url(text: str, response: Response | None) -> bool:
    return response is not None and any(_leads_to(url, response) for url in _urls_in(text))


def _urls_in(text: str) -> list[str]:
    return [url for url in _URL.findall(text) if not url.startswith(_DOCUMENTATION)]


def _has_endpoint(response: Response | None) -> bool:
    return response is not None and response.endpoint is not None


def _leads_to(url: str, response: Response) -> bool:
    endpoint, asked = endpoint_of_url(url), response.endpoint
    if endpoint is None or asked is None or endpoint.host != asked.host:
        return False
    same_port = asked.port is None or endpoint.port == asked.port
    return same_port and (response.path is None or path_of_url(url) == response.path)
