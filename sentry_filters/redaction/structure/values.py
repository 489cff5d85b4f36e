"""Values in structures: which names they have, and what of them is secret under these names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sentry_filters.redaction.findings import REDACTED
from sentry_filters.redaction.keys import KeyJudge, Sensitivity, words
from sentry_filters.redaction.text import cookie_parts, credential_start, is_placeholder, is_plain, is_secret

# As it is, or as a repr: Sentry's SDK sends what is in local variables so.
_NAME = re.compile(r"(?:b?')?[\w.\-]{1,64}(?: [\w.\-]{1,32}){0,2}:?'?")
_SMALLEST_NUMBER = 1000  # a smaller one is a count or a flag, whatever the key indicates
_LEAST_DIGITS = 10  # of a number that is a key or a token: a count or a size has fewer
_LONGEST_NAME = 256
_MARK = REDACTED.encode()


def secret_parts(value: bytes, verdict: Sensitivity, *, doubtful: bool = False) -> list[tuple[int, int]]:
    """The secret parts of a text under a key judged so; `doubtful`: it may not be the key of this text."""
    if verdict is Sensitivity.HARMLESS or not value or is_placeholder(value):
        return []
    if verdict is Sensitivity.HEADER:
        start = credential_start(value)
        return [] if is_placeholder(value[start:]) else [(start, len(value))]
    if verdict is Sensitivity.COOKIE and (b"=" in value or _MARK in value):
        return list(cookie_parts(value))
    return [(0, len(value))] if _is_secret_as_a_whole(value, verdict, doubtful=doubtful) else []


def _is_secret_as_a_whole(value: bytes, verdict: Sensitivity, *, doubtful: bool) -> bool:
    if _MARK in value and (doubtful or verdict <= Sensitivity.LIKELY):
        return False  # what an earlier pass has left is not judged anew
    return is_secret(value, verdict) and not (doubtful and is_plain(value))


def is_secret_number(number: object, verdict: Sensitivity) -> bool:
    """Whether a number is secret: a password may be one, and a long one a key; a token count is not."""
    if type(number) is not int or not Sensitivity.SECRET <= verdict <= Sensitivity.COOKIE:
        return False
    least = _SMALLEST_NUMBER if verdict is Sensitivity.PASSWORD else 10 ** (_LEAST_DIGITS - 1)
    return abs(number) >= least


def may_be_secret_number(written: bytes, verdict: Sensitivity) -> bool:
    """Whether JSON that begins with `written`, which is no text and no container, may be a secret number."""
    if verdict is Sensitivity.PASSWORD:
        return True
    digits = written.removeprefix(b"-")[:_LEAST_DIGITS]
    is_long = len(digits) == _LEAST_DIGITS and digits.isdigit()
    return is_long and Sensitivity.SECRET <= verdict <= Sensitivity.COOKIE


def named_value(record: Mapping[object, object], judge: KeyJudge) -> tuple[str, Sensitivity]:
    """Of `{"name": "Authorization", "value": …}`: the value's key, and what the name indicates about it."""
    for valuing in words.VALUING:
        if valuing in record:
            names = (record[naming] for naming in words.NAMING if naming in record)
            return valuing, max((_named(name, judge) for name in names), default=Sensitivity.HARMLESS)
    return "", Sensitivity.HARMLESS


def are_pairs(items: Sequence[object]) -> bool:
    """Whether `items` is a list of pairs, as headers, tags and query strings are."""
    return bool(items) and all(
        type(item) in (list, tuple) and len(item) == 2 and type(item[0]) in (str, bytes)  # type: ignore[arg-type, index]
        for item in items
    )


def pair_value(items: Sequence[object], judge: KeyJudge) -> Sensitivity:
    """Of `["api_key", …]`: what the first indicates about the second."""
    return _named(items[0], judge) if len(items) == 2 else Sensitivity.HARMLESS


def option_values(items: Sequence[object], judge: KeyJudge) -> dict[int, Sensitivity]:
    """Of `["--api-key", …]`: what each option indicates about the item behind it, by that item's index."""
    found: dict[int, Sensitivity] = {}
    for index, item in enumerate(items[:-1], 1):
        if type(item) is str and is_option(item) and (verdict := judge(item)):
            found[index] = verdict
    return found


def is_naming(key: str) -> bool:
    """Whether `key` is one of those that hold a name, or the value which that names."""
    return key in words.NAMING or key in words.VALUING


def is_option(text: str) -> bool:
    """Whether `text` is an option of a command line, whose value is the next argument."""
    return text.startswith(("-", "'-")) and "=" not in text


def is_name(text: str) -> bool:
    """Whether `text` may name the value beside it: a source line or a sentence does not."""
    return _NAME.fullmatch(text) is not None


def _named(name: object, judge: KeyJudge) -> Sensitivity:
    """What `name` indicates, if it is a name (ASGI's are bytes): other texts in such places are not keys."""
    if type(name) is bytes and len(name) <= _LONGEST_NAME:
        name = name.decode("latin-1")
    return judge(name) if type(name) is str and is_name(name) else Sensitivity.HARMLESS
