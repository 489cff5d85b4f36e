"""Tells of serialised JSON whether anything in it may have to go, without parsing it."""

from __future__ import annotations

import json

from .content import CONTENT_KEY
from .key_words import NAMING
from .keys import KeyJudge, Sensitivity
from .live import LiveCredentials
from .plausible import is_placeholder
from .regex import compile_regex
from .survey import DEEPEST
from .text import TextPass

__all__ = ["SerialisedCheck"]

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_LONGEST_STRING = 512  # no key is longer
_STRING_END = compile_regex(r'(?:[^"\\]|\\.)*"')
_NAMING = tuple(f'"{name}"'.encode() for name in NAMING)


class SerialisedCheck:
    """Sees at least what the walk over the parsed structure would see.

    The expression is that of the pass over text, whose boundaries know the escapes of JSON, and beside it
    every string that holds a word by which keys are judged and that stands where a name may stand.
    """

    def __init__(self, text: TextPass, judge: KeyJudge, live: LiveCredentials) -> None:
        self._text, self._judge, self._live = text, judge, live
        string_tail = r'(?:[^"\\]|\\.)*"\s*'
        named = rf"{judge.pattern}{string_tail}(?::\s*[\"\[{{0-9\-]|[,\]}}])"
        content = rf"|{CONTENT_KEY}{string_tail}:" if judge.judges_content else ""
        self._gate = compile_regex(f"(?:{text.pattern})|{named}{content}", captures=False)

    def is_clean(self, serialised: bytes | str) -> bool:
        """Whether there is certainly nothing to remove."""
        data = serialised.encode("utf-8", "surrogatepass") if isinstance(serialised, str) else serialised
        if self._live.occur_in(data) or _may_be_too_deep(data):
            return False
        at = 0
        while (hit := self._gate.search(data, at)) is not None:
            found, at = self._text.judged(data, hit.start(), hit.end())
            if found:
                return False
        return True


def _may_be_too_deep(data: bytes) -> bool:
    """Whether containers may lie deeper than the walk goes. Brackets in strings count, so this may be wrong."""
    if data.count(b"[") + data.count(b"{") <= DEEPEST:
        return False
    brackets = data.translate(None, _NOT_BRACKETS)
    for _ in range(DEEPEST):
        inner = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(inner) == len(brackets):
            break
        brackets = inner
    return bool(brackets)
