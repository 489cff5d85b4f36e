"""The evidence that is left when a layer above kept only the failure's text.

Three forms count, always with the provider's own label before them, at a word boundary:
`<provider> API error (401 …)`, `<provider> streaming API error (401 …)`, `<provider> returned HTTP 401`.
The search is for literals, so it takes time linear in the text, whatever the text.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from sentry_filters.evidence.conventions import API_ERROR, RETURNED_HTTP, STREAMING, WORD_JOINERS

_FORMS = (API_ERROR, RETURNED_HTTP)
# A text with more statements of a failure than this is a log dump, not one failure's message.
_MOST_STATEMENTS = 32
_LONGEST_BODY = 65_536
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
    return tuple(_statements_in(text, label))


def _statements_in(text: str, label: str) -> Iterator[Statement]:
    position = 0
    for _ in range(_MOST_STATEMENTS):
        found = _next_form(text, position)
        if found is None:
            return
        at, form = found
        status_at = at + len(form)
        body_at = _body_start(text, status_at, form)
        yield Statement(
            ours=_labelled(text, at, label),
            status=_status(text[status_at : status_at + 4]),
            body="" if body_at is None else text[body_at : body_at + _LONGEST_BODY],
        )
        position = status_at if body_at is None else _after_json(text, body_at)
    if _next_form(text, position) is not None:
        yield Statement(ours=False, status=None, body="")


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
