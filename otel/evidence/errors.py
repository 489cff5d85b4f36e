"""Whether an error that a span or log record carries is a certain failure, or another one.

Spans hold copies of exceptions as text. An error is the failure's when its own message says so, or the
message of what it was explicitly raised from; every leaf of an exception group has to. What came up
implicitly while the failure was being handled is an error of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.sdk.trace import Event, ReadableSpan

from sentry_filters.evidence import Response, conventions, endpoint_of_url, path_of_url

from .lineage import Below

# What Python's traceback module writes between the links of a chain.
_CAUSE = "The above exception was the direct cause of the following exception:"
_LINK = re.compile(
    rf"\n\s*({re.escape(_CAUSE)}|During handling of the above exception, another exception occurred:)\n"
)
_GROUP = "Exception Group Traceback (most recent call last):"
_LEAF = re.compile(r"^[ |]*\+[-+]*-+ (?:\d+|\.\.\.) -+$", re.MULTILINE)
_MARGIN = re.compile(r"^[ ]*[|+]-*[ ]?", re.MULTILINE)
_URL = re.compile(r"https?://[^\s'\"<>)\]]+")

_LONGEST = 262_144
_LEAST_TELLING = 12  # characters; shorter texts stand in others by chance


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error as a span or log record carries it: its message, and its traceback where there is one."""

    message: str
    stacktrace: str = ""


def errors(span: ReadableSpan) -> list[ErrorText]:
    """Return the errors that a span carries: its exception events, else its status."""
    found = [error_of(event) for event in span.events if event.name == conventions.EXCEPTION_EVENT]
    if not found and span.status.description:
        found = [ErrorText(span.status.description)]
    return found


def error_of(event: Event) -> ErrorText:
    """Return the error that an exception event carries."""
    attributes = event.attributes or {}
    return ErrorText(
        str(attributes.get(conventions.EXCEPTION_MESSAGE) or ""),
        str(attributes.get(conventions.EXCEPTION_STACKTRACE) or ""),
    )


def texts(span: ReadableSpan) -> frozenset[str]:
    """Return the messages of the errors that a span carries."""
    return frozenset(error.message for error in errors(span) if error.message)


def is_of(error: ErrorText, below: Below) -> bool:
    """Say whether `error` is `below.failure`; in doubt it is not."""
    if _says(error.message[:_LONGEST], below):
        return True
    stacktrace = error.stacktrace[-_LONGEST:]
    if _GROUP in stacktrace:
        leaves = [_MARGIN.sub("", leaf) for leaf in _LEAF.split(stacktrace)[1:] if _GROUP not in leaf]
        return bool(leaves) and all(_is_raised_from(leaf, below) for leaf in leaves)
    return _is_raised_from(stacktrace, below)


def _is_raised_from(stacktrace: str, below: Below) -> bool:
    return any(_says(message, below) for message in _explicit_chain(stacktrace))


def _explicit_chain(stacktrace: str) -> Iterator[str]:
    """Yield the messages of the outermost exception and of all that it was explicitly raised from."""
    parts = _LINK.split(stacktrace)
    at = len(parts) - 1
    yield _message(parts[at])
    while at > 0 and parts[at - 1] == _CAUSE:
        at -= 2
        yield _message(parts[at])


def _message(section: str) -> str:
    """Return what stands below the last frame of one exception's traceback."""
    frames, last_frame, rest = section.rpartition('\n  File "')
    lines = (rest if last_frame else frames + rest).splitlines()
    if last_frame:
        lines = lines[1:]
        while lines and lines[0].startswith("    "):
            lines = lines[1:]
    return "\n".join(lines)


def _says(text: str, below: Below) -> bool:
    failure = below.failure
    if failure is None or not text:
        return False
    response = failure.response
    body = None if response is None else response.body
    own = [*below.texts, *((body.strip(),) if body else ())]
    if _holds(text, own):
        return not _holds(text, [other for other in below.other_texts if other not in own])
    status = failure.status if response is None else response.status
    if status is None or not re.search(rf"(?<![\w.]){status}(?![\w.])", text):
        return False
    urls = _URL.findall(text)
    if urls and response is not None and response.endpoint is not None:
        return any(_leads_to(url, response) for url in urls)
    return not below.rival


def _holds(text: str, known: list[str]) -> bool:
    return any(one == text or (len(one) >= _LEAST_TELLING and one in text) for one in known)


def _leads_to(url: str, response: Response) -> bool:
    endpoint, asked = endpoint_of_url(url), response.endpoint
    if endpoint is None or asked is None or endpoint.host != asked.host:
        return False
    same_port = asked.port is None or endpoint.port == asked.port
    return same_port and (response.path is None or path_of_url(url) == response.path)
