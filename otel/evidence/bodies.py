"""The body of a failed response, where an error's text quotes it.

SDKs put the parsed body behind their message, as JSON or as Python writes it:
`Error code: 401 - {'error': {'code': 'invalid_api_key'}}`.
"""

from __future__ import annotations

import ast
import json
import re

from sentry_filters.evidence import LONGEST_BODY

_MOST_TRIES = 4
_LONGEST_LITERAL = 16_384
# What `repr` writes; any other escape would make the parser warn.
_FOREIGN_ESCAPE = re.compile(r"\\[^\\'\"nrtxuU]")


def body_in(text: str) -> object | None:
    """Return the parsed body that `text` quotes in full: a mapping or a list; None where it quotes none."""
    if len(text) > LONGEST_BODY:
        return None
    at = -1
    for _ in range(_MOST_TRIES):
        at = text.find("{", at + 1)
        if at < 0:
            return None
        value = _json_at(text, at) or _literal(text[at:].rstrip())
        if value:
            return value
    return None


def _json_at(text: str, at: int) -> object:
    try:
        value, _ = json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return value


def _literal(text: str) -> object:
    if not text.endswith("}") or len(text) > _LONGEST_LITERAL or _FOREIGN_ESCAPE.search(text):
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
