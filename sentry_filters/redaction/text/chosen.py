"""Passwords that people chose: short, neither random nor a word, in a place that says what they are."""

from __future__ import annotations

from sentry_filters.redaction.regex import deferred_regex
from sentry_filters.redaction.text.plausible import is_placeholder, is_plain
from sentry_filters.redaction.text.ranges import Range

_GAP = r"(?:[ \t]|\\+t)+"
_QUOTE = r"(?:b?\\*[\"'`])?"
_WORD = r"(?i:passw(?:or)?d|passphrase|passwort|pwd)(?:\\*[\"'`])?"
_FOR = rf"(?:{_GAP}(?i:for|of){_GAP}[^\s:=]+)?"
_IS = rf"(?:{_GAP}(?i:is|was|set to|changed to)|(?:{_GAP})?[:=])?"
_NESTED = r"\s*[:=]>?\s*\{\s*\\*[\"']value\\*[\"']\s*[:=]>?\s*"
_NAMED = rf"{_WORD}(?:{_FOR}{_IS}{_GAP}{_QUOTE}|>|{_NESTED}{_QUOTE})"
# The second of two: `auth=('bob', '…')`, `login("bob", "…")`.
_LOGIN = r"(?i:auth|login|credentials?)[A-Za-z_]*(?:\\*[\"'])?[ \t]*[=:]?[ \t]*[(\[]"
_FIRST = r"[ \t]*(?:[a-z]+=)?b?\\*[\"'][^\"'\s]+\\*[\"'][ \t]*,[ \t]*b?\\*[\"']"
_COMMAND = rf"(?:PASS|AUTH(?:{_GAP}default)?|LOGIN{_GAP}[^\s\"']+){_GAP}"
_PLACE = f"(?:{_NAMED}|{_LOGIN}{_FIRST}|{_COMMAND})"
_VALUE = r"[!#-%*+\-./0-9:=?@A-Z^_a-z~]"  # what JSON writes as it is, and no quotes or brackets

_END = deferred_regex(rf"{_VALUE}+", captures=False)
_LETTER = deferred_regex(r"[A-Za-z]", captures=False)
_ODD = deferred_regex(r"[0-9].*[0-9]|[!#$^&*?]", captures=False)
# What is written like one: a version, a date, an algorithm, an address, a path, code.
_TECHNICAL = deferred_regex(
    r"(?i)^(?:v?\d+(?:[.\-]\d+)+\S*|(?:sha|md|pbkdf|argon|bcrypt|scrypt|utf|base|oauth|http|ssl|tls|rfc|iso|aes|rsa|py)"
    r"-?\d+\S*|[\-$%@&*.].*|.*[/@=:].*|[a-z]+[0-9]?(?:[_.\-][a-z]+[0-9]?)*)$",
    captures=False,
)
_SHORTEST, _LONGEST = 8, 64


class Chosen:
    """Judges what its `pattern` finds."""

    pattern = rf"{_PLACE}{_VALUE}{{{_SHORTEST}}}"

    def __init__(self) -> None:
        self._place = deferred_regex(_PLACE, captures=False)

    def at(self, data: bytes, start: int) -> Range | None:
        """The password of the candidate that `pattern` found at `start`; None if it is none."""
        place = self._place.match(data, start) if data[start : start + 1].isalpha() else None
        if place is None:
            return None
        first = place.end()
        value = _END.match(data, first, min(len(data), first + _LONGEST + 1))
        if value is None:
            return None
        text = data[first : value.end()].rstrip(b".:?")
        return Range(first, first + len(text), "password") if _looks_chosen(text) else None


def _looks_chosen(value: bytes) -> bool:
    """Whether `value` is one that somebody made up: letters with digits or signs, and no technical name."""
    if not _SHORTEST <= len(value) <= _LONGEST or is_plain(value) or is_placeholder(value):
        return False
    is_odd = _LETTER.search(value) is not None and _ODD.search(value) is not None
    return is_odd and _TECHNICAL.match(value) is None
