"""Whether anything in serialised JSON may be secret, without parsing it."""

from __future__ import annotations

import json

from sentry_filters.redaction.keys import KeyJudge, Sensitivity, words
from sentry_filters.redaction.regex import compile_finder, deferred_regex
from sentry_filters.redaction.structure.survey import DEEPEST, may_be_secret
from sentry_filters.redaction.structure.values import is_name
from sentry_filters.redaction.text import LiveCredentials, TextScanner

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_LONGEST = 4096  # bytes of a string that is looked at as a whole, and of a value
_STRING_REST = r'(?:[^"\\]|\\.)*"'
_NAME_REST = r'[\w.\-]*(?: [\w.\-]{1,32}){0,2}:?"'  # of what names a value apart: see `values.is_name`
_NAMING = tuple(f'"{name}"'.encode() for name in words.NAMING)
_STRING = deferred_regex(_STRING_REST)
# What Sentry's own scrubber leaves in `_meta` under the name of what it removed.
_FILTERED = b'{"":{"rem":[["!config","s"]]}}'
_BACKSLASH = ord("\\")
_REMEMBERED = 2048
_LONGEST_REMEMBERED = 1024

# Plain characters as escapes, which the expressions do not read: Python's encoder writes none.
_PLAIN_ESCAPE = r"\\/|\\u00[2-7]"
_PLAIN_ESCAPES = (b"\\/", b"\\u00")


class SerialisedCheck:
    """Sees at least what the walk over the parsed structure would see.

    One expression looks for what the pass over text looks for, whose boundaries know the escapes of JSON, and
    for every string that holds a word by which keys are judged, where a name may be. A string that it hits is
    judged as the walk would judge it. Strings that hold nothing are remembered: the events of one application
    share most of their keys and source lines. Half a character (a surrogate without its other half), which
    Sentry refuses, calls for a closer look too, and so do a slash and a letter that its writer escaped.
    """

    def __init__(self, scanner: TextScanner, judge: KeyJudge, live: LiveCredentials) -> None:
        self._scanner, self._judge, self._live = scanner, judge, live
        word = f"{judge.pattern}|{words.CONTENT_KEY}" if judge.judges_content else judge.pattern
        named = rf'(?:{word})(?:{_STRING_REST}\s*:\s*["\[{{0-9\-]|{_NAME_REST}\s*[,\]}}])'
        self._find = compile_finder(rf"{named}|{scanner.beginning}|\\ud[89a-f]|{_PLAIN_ESCAPE}")
        self._known: dict[bytes, Sensitivity] = {}

    def is_clean(self, serialised: bytes | str) -> bool:
        """Whether there is certainly nothing to remove."""
        data = serialised.encode("utf-8", "surrogatepass") if isinstance(serialised, str) else serialised
        if self._live.occur_in(data) or _may_be_too_deep(data):
            return False
        hit, _ = self._find(data, 0)
        while hit >= 0:
            start, end = _string_around(data, hit)
            if end < 0 or data.startswith(_PLAIN_ESCAPES, hit):
                return False  # a long string with something in it, or one to be read: the walk finds out
            if not self._is_clean_string(data, start, end):
                return False
            hit, _ = self._find(data, end)
        return True

    def _is_clean_string(self, data: bytes, start: int, end: int) -> bool:
        """Whether the string data[start:end] neither names nor holds a secret."""
        string = data[start:end]
        verdict = self._known.get(string)
        if verdict is None:
            name = _parsed(string)
            # What is not a character fails to be encoded, which the caller takes for a doubt.
            if self._scanner.secrets(name.encode()) or self._scanner.is_open(name):
                return False
            verdict = self._judge(name)
            if len(string) <= _LONGEST_REMEMBERED:
                if len(self._known) >= _REMEMBERED:
                    self._known = {}  # a new one: another thread may be reading the old
                self._known[string] = verdict
        return verdict is Sensitivity.HARMLESS or not _names_secret(data, start, end, verdict)


def _string_around(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the JSON string that holds data[at] begins and ends; (0, -1) if it is too long.

    Where `at` is between two strings, what is between them is returned, which holds nothing.
    """
    lowest = at - _LONGEST if at > _LONGEST else 0
    start = data.rfind(b'"', lowest, at + 1)
    while start > 0 and data[start - 1] == _BACKSLASH and _escaped(data, start):
        start = data.rfind(b'"', lowest, start)
    highest = at + _LONGEST
    end = data.find(b'"', at + 1, highest)
    while end >= 0 and data[end - 1] == _BACKSLASH and _escaped(data, end):
        end = data.find(b'"', end + 1, highest)
    return (start + 1, end) if start >= 0 else (0, -1)


def _escaped(data: bytes, quote: int) -> bool:
    """Whether a quote is part of the string: behind an odd number of backslashes."""
    at = quote
    while at > 0 and data[at - 1] == _BACKSLASH:
        at -= 1
    return (quote - at) % 2 == 1


def _names_secret(data: bytes, start: int, end: int, verdict: Sensitivity) -> bool:
    """Whether the string, a name judged so, is where it names a value that may be secret."""
    behind = data[end + 1 : end + 65].lstrip()
    if behind[:1] == b":":
        return _may_value_be_secret(data, data.index(b":", end) + 1, verdict)
    before = data[max(0, start - 65) : max(0, start - 1)].rstrip()
    name = _parsed(data[start:end])
    if name[:1] == "-":
        return behind[:1] == b","
    if not is_name(name):
        return False
    named = before[-1:] == b":" and before[:-1].rstrip().endswith(_NAMING)
    return named or (behind[:1] == b"," and before[-1:] == b"[")


def _may_value_be_secret(data: bytes, start: int, verdict: Sensitivity) -> bool:
    """Whether the walk may remove something of the value at `start`, whose key is judged so."""
    value = data[start : start + _LONGEST].lstrip()
    if value.startswith(_FILTERED):
        return False
    if value[:1] != b'"':
        return verdict is Sensitivity.PASSWORD or value[:1] in (b"[", b"{")
    string = _STRING.match(value, 1)
    return string is None or may_be_secret(_parsed(value[1 : string.end() - 1]), verdict)


def _parsed(string: bytes) -> str:
    """The text of a JSON string, given its content."""
    text = string.decode("utf-8", "surrogatepass")
    return str(json.loads(f'"{text}"', strict=False)) if "\\" in text else text


def _may_be_too_deep(data: bytes) -> bool:
    """Whether containers may be deeper than the walk enters; brackets in strings count as well."""
    brackets = data.translate(None, _NOT_BRACKETS)
    for stripped in range(DEEPEST):
        if len(brackets) <= DEEPEST - stripped:  # not even if all that is left were open
            return False
        inner = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(inner) == len(brackets):
            break
        brackets = inner
    return bool(brackets)
