"""The evidence that is left when a layer above kept only the failure's text.

Three forms count, always with the provider's own label before them, at a word boundary:
`<provider> API error (401 …)`, `<provider> streaming API error (401 …)`, `<provider> returned HTTP 401`.
The search is for literals, so it takes time linear in the text, whatever the text.

Text may quote: a database error the row, a chat message what somebody saw. Only a text that begins with one
of the forms, and whose rest is the body, states a failure (`is_nothing_else`); anywhere else they are words.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sentry_filters.evidence.conventions import API_ERROR, RETURNED_HTTP, STREAMING, WORD_JOINERS

_FORMS = (API_ERROR, RETURNED_HTTP)
# A text with more statements of a failure than this is a log dump, not one failure's message.
_MOST_STATEMENTS = 32
_LONGEST_BODY = 65_536
# "ApiError: ", "openai.AuthenticationError: chat: ": what layers put before a message that they pass on.
_PREFIXES = re.compile(r"(?:[A-Za-z_][\w.-]{0,127}: ){0,8}")
# "401 Network Authentication Required" and the like.
_LONGEST_PHRASE = 64


@dataclass(frozen=True, slots=True)
class Statement:
    """One place of a text that states an API failure: whose it is, its status, and the body behind it."""

    ours: bool
    status: int | None
    body: str


def statements_in(text: str, label: str) -> tuple[Statement, ...]:
    """Return what `text` states about API failures, in the order of the text.

    A JSON body right behind a statement belongs to it and is not searched for further statements.

    Args:
        text: A message, an exception's text, a log line.
        label: The hosted backend's own `provider` label.
    """
    return tuple(Statement(_labelled(text, at, label), status, body) for at, status, body in _places(text))


def may_state(text: str) -> bool:
    """Say cheaply whether `text` may state an API failure; most texts do not."""
    return API_ERROR in text or RETURNED_HTTP in text


def labels_in(text: str, labels: Collection[str]) -> tuple[str | None, ...]:
    """Return whose each statement of `text` is: the longest of `labels` before it, None where there is none.

    Args:
        text: As for `statements_in`.
        labels: The `provider` labels of all own backends.
    """
    if not may_state(text):
        return ()
    return tuple(
        max((label for label in labels if _labelled(text, at, label)), key=len, default=None)
        for at, _, _ in _places(text)
    )


def is_nothing_else(text: str, label: str, *, plain: bool) -> bool:
    """Say whether `text` is one of the forms and nothing else: `word: ` prefixes, the form, and the body.

    Args:
        text: A message.
        label: The hosted backend's own `provider` label.
        plain: Whether the body may be a line of plain text; else it is JSON, or there is none.
    """
    prefixes = _PREFIXES.match(text)
    start = 0 if prefixes is None else prefixes.end()
    if not text.startswith(label, start):
        return False
    form_at = start + len(label)
    if text.startswith(STREAMING, form_at):
        form_at += len(STREAMING)
    form = next((form for form in _FORMS if text.startswith(form, form_at)), None)
    return form is not None and _ends_in_body(text, form_at + len(form), form, plain=plain)


def _ends_in_body(text: str, status_at: int, form: str, *, plain: bool) -> bool:
    body_at = _body_start(text, status_at, form)
    if body_at is None:
        end = text.find(")", status_at) + 1 if form.endswith("(") else status_at + 3
        return end > 0 and not text[end:].strip()
    body = text[body_at:].strip()
    if body[:1] in ("{", "["):
        return _after_json(body, 0) == len(body)
    return plain and "\n" not in body


def _places(text: str) -> Iterator[tuple[int, int | None, str]]:
    """Yield place, status and body of each statement; a place before the text's beginning is nobody's."""
    position = 0
    for _ in range(_MOST_STATEMENTS):
        found = _next_form(text, position)
        if found is None:
            return
        at, form = found
        status_at = at + len(form)
        body_at = _body_start(text, status_at, form)
        position = status_at if body_at is None else _after_json(text, body_at)
        # JSON ends where it ends; of other text nobody knows where it does.
        end = position if body_at is not None and position > body_at else status_at + _LONGEST_BODY
        yield at, _status(text[status_at : status_at + 4]), "" if body_at is None else text[body_at:end]
    if _next_form(text, position) is not None:
        yield -1, None, ""


def _next_form(text: str, position: int) -> tuple[int, str] | None:
    hits = [(at, form) for form in _FORMS if (at := text.find(form, position)) >= 0]
    return min(hits, default=None)


def _labelled(text: str, at: int, label: str) -> bool:
    if text.endswith(STREAMING, 0, at):
        at -= len(STREAMING)
    start = at - len(label)
    return start >= 0 and text.startswith(label, start) and _starts_a_word(text, start)


def _starts_a_word(text: str, start: int) -> bool:
    if start == 0:
        return True
    before = text[start - 1]
    # Marks and invisible format characters attach to a word as letters do.
    return not (
        before.isalnum() or before in WORD_JOINERS or unicodedata.category(before) in ("Mn", "Mc", "Me", "Cf")
    )


def _status(head: str) -> int | None:
    digits = head[:3]
    complete = len(digits) == 3 and digits.isascii() and digits.isdigit() and not head[3:].isalnum()
    return int(digits) if complete else None


def _body_start(text: str, status_at: int, form: str) -> int | None:
    end = status_at + 3
    if form.endswith("("):
        end = text.find(")", status_at, status_at + _LONGEST_PHRASE) + 1
    return end + 2 if end > 0 and text.startswith(": ", end) else None


def _after_json(text: str, at: int) -> int:
    if text[at : at + 1] not in ("{", "["):
        return at
    try:
        _, end = json.JSONDecoder().raw_decode(text[at : at + _LONGEST_BODY])
    except (ValueError, RecursionError):
        return at
    return at + end
