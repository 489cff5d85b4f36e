"""Tells of serialised JSON whether anything in it may have to go, without parsing it."""

from __future__ import annotations

import json

from sentry_filters.redaction.content import CONTENT_KEY
from sentry_filters.redaction.key_words import NAMING
from sentry_filters.redaction.keys import KeyJudge, Sensitivity
from sentry_filters.redaction.live import LiveCredentials
from sentry_filters.redaction.regex import compile_regex
from sentry_filters.redaction.survey import DEEPEST, speaks
from sentry_filters.redaction.text import TextPass

__all__ = ["SerialisedCheck"]

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_LONGEST_KEY = 1024  # bytes of a key in JSON; the judge knows none that is longer
_LONGEST_VALUE = 4096
_STRING_REST = r'(?:[^"\\]|\\.)*"'
_NAMING = tuple(f'"{name}"'.encode() for name in NAMING)
_STRING = compile_regex(_STRING_REST)


class SerialisedCheck:
    """Sees at least what the walk over the parsed structure would see.

    One expression looks for what the pass over text looks for, whose boundaries know the escapes of JSON, and
    for every string that holds a word by which keys are judged and that stands where a name may stand.
    """

    def __init__(self, text: TextPass, judge: KeyJudge, live: LiveCredentials) -> None:
        self._text, self._judge, self._live = text, judge, live
        word = f"{judge.pattern}|{CONTENT_KEY}" if judge.judges_content else judge.pattern
        named = rf'(?:{word}){_STRING_REST}()\s*(?::\s*["\[{{0-9\-]|[,\]}}])'
        self._gate = compile_regex(f"{named}|{text.pattern}", captures=False)
        self._named = compile_regex(named)

    def is_clean(self, serialised: bytes | str) -> bool:
        """Whether there is certainly nothing to remove."""
        data = serialised.encode("utf-8", "surrogatepass") if isinstance(serialised, str) else serialised
        if self._live.occur_in(data) or _may_be_too_deep(data):
            return False
        at = 0
        while (hit := self._gate.search(data, at)) is not None:
            named = self._named.match(data, hit.start())
            if named is None:
                dirty, at = self._text.may_hold(data, hit.start(), hit.end())
                if dirty:
                    return False
                continue
            end = named.end(1)
            if self._tells(data, hit.start(), end) or self._text.may_hold_any(data, hit.start(), end):
                return False
            at = end - 1  # the closing quote may be the boundary before what follows
        return True

    def _tells(self, data: bytes, word: int, end: int) -> bool:
        """Whether the string that holds `word` and ends at `end` names something that goes."""
        start = data.rfind(b'"', max(0, word - _LONGEST_KEY), word + 1) + 1
        name = _parsed(data[start : end - 1])
        verdict = self._judge(name)
        if verdict is Sensitivity.HARMLESS:
            return False
        behind = data[end : end + 64].lstrip()
        if behind[:1] == b":":
            return _value_speaks(data, data.index(b":", end) + 1, verdict)
        before = data[max(0, start - 65) : max(0, start - 1)].rstrip()
        named = before[-1:] == b":" and before[:-1].rstrip().endswith(_NAMING)
        return named or (behind[:1] == b"," and (before[-1:] == b"[" or name[:1] == "-"))


def _value_speaks(data: bytes, start: int, verdict: Sensitivity) -> bool:
    """Whether the walk may want to remove the value at `start`, in the judgement of its key."""
    value = data[start : start + _LONGEST_VALUE].lstrip()
    if value[:1] != b'"':
        return verdict is Sensitivity.PASSWORD or value[:1] in (b"[", b"{")
    string = _STRING.match(value, 1)
    return string is None or speaks(verdict, _parsed(value[1 : string.end() - 1]))


def _parsed(string: bytes) -> str:
    """The text that the inside of a JSON string stands for."""
    text = string.decode("utf-8", "surrogatepass")
    return str(json.loads(f'"{text}"', strict=False)) if "\\" in text else text


def _may_be_too_deep(data: bytes) -> bool:
    """Whether containers may lie deeper than the walk goes; brackets in strings count as well."""
    brackets = data.translate(None, _NOT_BRACKETS)
    for stripped in range(DEEPEST):
        if len(brackets) <= DEEPEST - stripped:  # not even if all that is left were open
            return False
        inner = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(inner) == len(brackets):
            break
        brackets = inner
    return bool(brackets)
