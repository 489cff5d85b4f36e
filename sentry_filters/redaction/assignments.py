"""Finds values whose key says that they are secret, in any spelling that text has for `key = value`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .keys import KeyJudge, Sensitivity
from .plausible import goes, is_placeholder, looks_random
from .regex import compile_regex
from .spans import Span

__all__ = ["Assignments"]

_WORD = (
    r"pass(?:w(?:or)?d|phrase|code)s?|passwort|kennwort|contrasena|pwd|pass|pw|psw|secrets?|credentials?|creds?|mnemonic"
    r"|token|tokens|key|keys|apikeys?|auth|authorization|cookies?|cookie2|session|sid|sess(?:ion)?id|jwt|bearer|csrf|xsrf|otp|pat|hmac"
    r"|dsn|signature|salt|sess"
)
_IDENT = r"[A-Za-z0-9_.\-]"
_QUOTE = r"(?:\\*[\"'`]|&quot;|&#34;)"
_SEP = (
    r"[ \t]*(?:=>|->|:?:?={1,3}|:|%3[Dd])[ \t]*(?:[|>][+\-]?[ \t]*(?:\\?\r?\n|\\n)\s*)?"
    r"|[ \t]*,\s*(?:\\*[\"'](?:value|val|content|default|data|secret_value)\\*[\"']\s*:\s*)?"
    r"|\s*>\s*"
    r"|[ \t]+"
)
_OPEN = r"(?:[bfrBFR]{0,2}\\*[\"'`]|&quot;|&#34;)?"
_VALUE = r"[^\s\"'`\\,;&<>()]"


class Assignments:
    """The candidates one expression finds, judged by key and value."""

    def __init__(self, judge: KeyJudge) -> None:
        self._judge = judge
        words = _WORD + "".join("|" + r"[^A-Za-z0-9]?".join(map(re.escape, words)) for words in judge.extra_words)
        self.pattern = f"(?i)(?:{words}){_IDENT}*{_QUOTE}?[\\])]*(?:{_SEP}){_OPEN}[^\\s\"'`]"
        self._candidates = compile_regex(
            f"(?i)((?:{words}){_IDENT}*)({_QUOTE}?[\\])]*)({_SEP})({_OPEN})[^\\s\"'`]"
        )

    def spans(self, data: bytes) -> Iterator[Span]:
        """What has to go from `data`."""
        at = 0
        while (match := self._candidates.search(data, at)) is not None:
            span = self._judged(data, match)
            if span is None:
                at = max(match.end(3), match.end(1), at + 1)
            else:
                yield span
                at = max(span.end, at + 1)

    def _judged(self, data: bytes, match) -> Span | None:
        start = _identifier_start(data, match.start(1))
        key = data[start : match.end(1)].decode("latin-1")
        sensitivity = self._judge(key)
        if sensitivity is Sensitivity.HARMLESS:
            return None
        close, sep, opening = match.group(2), match.group(3), match.group(4)
        value_start = match.end(4)
        value_end = _value_end(data, value_start, opening, sep, sensitivity)
        value = data[value_start:value_end].decode("utf-8", "replace")
        if not _fits(data, start, key, close, sep, opening, value, value_end, sensitivity):
            return None
        return Span(value_start, value_end, "assignment")


def _identifier_start(data: bytes, start: int) -> int:
    least = max(0, start - 100)
    while start > least and (data[start - 1 : start].isalnum() or data[start - 1] in b"_.-"):
        start -= 1
    if start and data[start - 1] == 0x5C and data[start : start + 1] in (b"n", b"t", b"r"):
        start += 1
    return start


_UNQUOTED_END = compile_regex(r"[\s\"'`<>,;&()\[\]{}]|\\[nrt\"']|%26")
_LINE_END = compile_regex(r"[\r\n\"'`]|\\[nr\"']")


def _value_end(data: bytes, start: int, opening: bytes, sep: bytes, sensitivity: Sensitivity) -> int:
    if sep.strip().startswith(b">") or (b">" in sep and b"=>" not in sep and b"->" not in sep and not opening):
        found = data.find(b"<", start)
        return len(data) if found < 0 else found
    if opening:
        quote = opening.lstrip(b"bfrBFR")
        at = start
        while True:
            found = data.find(quote, at)
            if found < 0:
                break
            if not quote.startswith(b"\\") and data[found - 1] == 0x5C and found > start:
                at = found + 1
                continue
            return found
    end = _LINE_END if sensitivity in (Sensitivity.HEADER, Sensitivity.COOKIE) else _UNQUOTED_END
    match = end.search(data, start)
    return len(data) if match is None else match.start()


def _fits(data, start, key, close, sep, opening, value, value_end, sensitivity) -> bool:
    bare = sep.strip(b" \t\r\n")
    if not value.strip() or is_placeholder(value):
        return False
    if bare.startswith(b","):
        if not close or not opening:
            return False
        return looks_random(value, least=8)
    if not bare:
        if data[max(0, start - 2) : start] != b"--" and key[:1] != "-":
            return bool(opening) and looks_random(value, least=8) and sensitivity >= Sensitivity.SECRET
        return goes(value, sensitivity)
    if bare == b">" and data[max(0, start - 1) : start] != b"<":
        return False
    if not opening:
        after = data[value_end : value_end + 2]
        if after[:1] in (b"(", b"["):
            return False
        if re.fullmatch(r"[A-Za-z_][a-z_]*(?:\.[A-Za-z_]\w*)*", value) and (sep[:1] in b" \t" or "." in value or after[:1] in (b",", b")", b" ")):
            return False
        if after[:1] == b" " and re.fullmatch(r"[A-Za-z][a-z]*", value):
            return False
    return goes(value, sensitivity)
