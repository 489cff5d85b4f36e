"""Whether anything in serialised JSON may be secret, without parsing it."""

from __future__ import annotations

import json
from typing import NamedTuple

from sentry_filters.redaction.keys import KeyJudge, Sensitivity, words
from sentry_filters.redaction.regex import compile_finder, deferred_regex, first_of
from sentry_filters.redaction.structure.survey import DEEPEST, Redacted, may_be_secret
from sentry_filters.redaction.structure.values import is_name, is_option, may_be_secret_number
from sentry_filters.redaction.structure.walk import Walk
from sentry_filters.redaction.text import LiveCredentials, TextScanner

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_LONGEST = 4096  # bytes of a value that is looked at
_STRING_REST = r'(?:[^"\\]|\\.)*"'
_NAME_REST = r"[\w.\-]*(?: [\w.\-]{1,32}){0,2}:?'?\""  # of what names a value apart: see `values.is_name`
_NAMING = tuple(f'"{name}"'.encode() for name in words.NAMING)
_STRING = deferred_regex(_STRING_REST)
# What Sentry's own scrubber leaves in `_meta` under the name of what it removed.
_FILTERED = b'{"":{"rem":[["!config","s"]]}}'
_DECODER = json.JSONDecoder(strict=False)
_BACKSLASH = ord("\\")
_REMEMBERED = 2048
_LONGEST_REMEMBERED = 1024

# Plain characters as escapes, which the expressions do not read: Python's encoder writes none.
_PLAIN_ESCAPE = r"\\/|\\u00[2-7]"
_PLAIN_ESCAPES = (b"\\/", b"\\u00")


class Look(NamedTuple):
    """What the check of serialised JSON saw: whether it is certainly clean, and which texts are not.

    `redacted` holds each text in which something is secret, by itself; None where that is not known. `names`:
    whether a name may indicate that something else is.
    """

    is_clean: bool
    redacted: Redacted | None
    names: bool


DOUBT = Look(is_clean=False, redacted=None, names=True)
"""The look at bytes that nothing is known about: only the walk can tell."""


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
        kind, keyed = scanner.beginnings
        self._find_kind = compile_finder(kind)
        self._find_name = compile_finder(rf"{named}|{keyed}|\\ud[89a-f]|{_PLAIN_ESCAPE}")
        self._known: dict[bytes, Sensitivity] = {}
        self._ordinary: set[bytes] = set()  # strings that look generated and are not secret
        self._harmless: set[bytes] = set()  # keys, each with a value that is no secret: `key":"value"`

    def look(self, serialised: bytes | str) -> Look:
        """Whether there is certainly nothing to remove; if there may be, the texts with something in them."""
        data = serialised.encode("utf-8", "surrogatepass") if isinstance(serialised, str) else serialised
        if _is_too_deep(data):
            return DOUBT
        found: Redacted = {}
        is_known = self._live.occur_in(data)
        if is_known:
            self._note_live_ones(data, found)
        find = first_of(self._find_kind, self._find_name, data)
        hit, _ = find(0)
        end, names = 0, False
        while hit >= 0:
            start, end = _string_around(data, hit, end)
            if end < 0 or data.startswith(_PLAIN_ESCAPES, hit):
                return DOUBT  # one to be read: the walk finds out
            verdict = self._verdict(data[start:end], found)
            if verdict is None:
                return DOUBT
            if verdict is not Sensitivity.HARMLESS and not names:
                names = self._names_secret(data, start, end, verdict)
            hit, _ = find(end)
        if not self._note_generated(data, found):
            return DOUBT
        return Look(not (found or names or is_known), found, names=names)

    def _note_live_ones(self, data: bytes, found: Redacted) -> None:
        """Add the texts to `found` that hold a credential known at run time."""
        for live in self._live.ranges(data):
            start, end = _string_around(data, live.start, 0)
            self._note(_parsed(data[start:end]), found)

    def _note_generated(self, data: bytes, found: Redacted) -> bool:
        """Add the texts to `found` that hold what words around it call secret; whether all are known."""
        hit, _ = self._scanner.find_generated(data, 0)
        end = 0
        while hit >= 0:
            start, end = _string_around(data, hit + 1, end)
            if end < 0:
                return False
            string = data[start:end]
            if string not in self._ordinary:
                text = _parsed(string)
                if any(self._scanner.generated(text.encode())):
                    self._note(text, found)
                elif len(string) <= _LONGEST_REMEMBERED:
                    if len(self._ordinary) >= _REMEMBERED:
                        self._ordinary = set()  # a new one: another thread may be reading the old
                    self._ordinary.add(string)
            hit, _ = self._scanner.find_generated(data, end)
        return True

    def _note(self, text: str, found: Redacted) -> bool:
        """Whether something in `text` is secret; it is added to `found`, then."""
        if text in found:
            return True
        text.encode()  # fails for what is not a character, which the caller takes for a doubt
        redacted = self._scanner.redact_text(text)
        if redacted[0] is text:
            return False
        found[text] = redacted
        return True

    def _verdict(self, string: bytes, found: Redacted) -> Sensitivity | None:
        """What the content of a string indicates as a key; it is added to `found` where it holds a secret.

        None where it is a line that may leave a secret to the next one.
        """
        verdict = self._known.get(string)
        if verdict is None:
            text = _parsed(string)
            if self._scanner.is_open(text):
                return None
            verdict = self._judge(text)
            if not self._note(text, found) and len(string) <= _LONGEST_REMEMBERED:
                if len(self._known) >= _REMEMBERED:
                    self._known = {}  # a new one: another thread may be reading the old
                self._known[string] = verdict
        return verdict

    def _names_secret(self, data: bytes, start: int, end: int, verdict: Sensitivity) -> bool:
        """Whether the string, a name judged so, is where it names a value that may be secret."""
        behind = data[end + 1 : end + 65].lstrip()
        if behind[:1] == b":":
            return self._may_value_be_secret(data, start, data.index(b":", end) + 1, verdict)
        before = data[max(0, start - 65) : max(0, start - 1)].rstrip()
        name = _parsed(data[start:end])
        if is_option(name):
            return behind[:1] == b","
        if not is_name(name):
            return False
        named = before[-1:] == b":" and before[:-1].rstrip().endswith(_NAMING)
        return named or (behind[:1] == b"," and before[-1:] == b"[")

    def _may_value_be_secret(self, data: bytes, key: int, start: int, verdict: Sensitivity) -> bool:
        """Whether the walk may remove something of the value at `start`, whose key at `key` is judged so."""
        end = data.find(b'"', start + 1, start + _LONGEST_REMEMBERED) + 1
        pair = data[key:end] if data[start : start + 1] == b'"' and data[end - 2] != _BACKSLASH else b""
        if pair in self._harmless:
            return False
        may_be = self._may_be_secret(data[start : start + _LONGEST].lstrip(), verdict)
        if pair and not may_be and key + _LONGEST_REMEMBERED > end:
            if len(self._harmless) >= _REMEMBERED:
                self._harmless = set()
            self._harmless.add(pair)
        return may_be

    def _may_be_secret(self, value: bytes, verdict: Sensitivity) -> bool:
        """`_may_value_be_secret`, given the beginning of the value."""
        if value.startswith(_FILTERED):
            return False
        if value[:1] in (b"[", b"{"):
            try:
                container, _ = _DECODER.raw_decode(value.decode("utf-8", "surrogatepass"))
            except ValueError:
                return True  # it is longer
            return not Walk(self._scanner, self._judge).is_clean_under(container, verdict)
        if value[:1] != b'"':
            return may_be_secret_number(value, verdict)
        string = _STRING.match(value, 1)
        return string is None or may_be_secret(_parsed(value[1 : string.end() - 1]), verdict)


def _string_around(data: bytes, at: int, lowest: int) -> tuple[int, int]:
    """Where the content of the JSON string that holds data[at] begins and ends; (0, -1) if it does not.

    Where `at` is between two strings, what is between them is returned, which holds nothing. It begins at
    `lowest` at least.
    """
    start = data.rfind(b'"', lowest, at + 1)
    while start > 0 and data[start - 1] == _BACKSLASH and _escaped(data, start):
        start = data.rfind(b'"', lowest, start)
    end = data.find(b'"', at + 1)
    while end >= 0 and data[end - 1] == _BACKSLASH and _escaped(data, end):
        end = data.find(b'"', end + 1)
    return (start + 1, end) if start >= 0 else (0, -1)


def _escaped(data: bytes, quote: int) -> bool:
    """Whether a quote is part of the string: behind an odd number of backslashes."""
    at = quote
    while at > 0 and data[at - 1] == _BACKSLASH:
        at -= 1
    return (quote - at) % 2 == 1


def _parsed(string: bytes) -> str:
    """The text of a JSON string, given its content."""
    text = string.decode("utf-8", "surrogatepass")
    return str(_DECODER.decode(f'"{text}"')) if "\\" in text else text


def _is_too_deep(data: bytes) -> bool:
    """Whether containers are deeper than the walk enters."""
    return _are_too_deep(data.translate(None, _NOT_BRACKETS)) and _are_too_deep(
        _without_strings(data).translate(None, _NOT_BRACKETS)
    )


def _are_too_deep(brackets: bytes) -> bool:
    """Whether `brackets` are deeper than the walk enters: what is left of them, pair by pair."""
    for stripped in range(DEEPEST):
        if len(brackets) <= DEEPEST - stripped:  # not even if all that is left were open
            return False
        inner = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(inner) == len(brackets):
            break
        brackets = inner
    return bool(brackets)


def _without_strings(data: bytes) -> bytes:
    """`data` without its strings: the source lines in them have brackets of their own."""
    unescaped = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(unescaped.split(b'"')[::2])
