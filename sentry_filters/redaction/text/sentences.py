"""What the words before a value say of it."""

from __future__ import annotations

import re
from enum import Enum, auto

from sentry_filters.redaction.keys import KeyJudge, Sensitivity, split_words, words
from sentry_filters.redaction.regex import deferred_regex
from sentry_filters.redaction.text.generated import LEAST, names_identity
from sentry_filters.redaction.text.places import Place

_WORDS = re.compile(rb"[A-Za-z][A-Za-z0-9_\-]*|[;{}\n\[\]]|\\n|[.,!?] ")
# A name in front of the name: of a type (`token: str = …`), of a field (`"secret": {"value": …`).
_ENCLOSING = deferred_regex(r"([A-Za-z][\w.\-]*)(?:\\*[\"'])?\s*(?::\s*|[:=]>?\s*\{\s*(?:\\*[\"'])?)$")
_FARTHEST = 8  # words
_ALONE = (("key",), ("keys",), ("token",), ("tokens",))  # what they mean depends on the word before
_ALONE_WORDS = frozenset(word for (word,) in _ALONE)
_OTHERWISE = words.ABOUT | words.IDENTIFYING | words.PAGINATION | words.NO_TOKEN


class Says(Enum):
    """What is said of a value."""

    SECRET = auto()
    SOMETHING_ELSE = auto()  # `next_page_token`, `cache key`
    NOTHING = auto()


class Sentences:
    """Reads the words before a value."""

    def __init__(self, judge: KeyJudge) -> None:
        self._judge = judge

    def say(self, place: Place) -> Says:
        """What the word beside the value says, or where nothing is assigned one that leads on to it."""
        if not place.name:
            return Says.NOTHING
        before = place.before[: place.name_at]
        line = [word.decode("latin-1") for word in _WORDS.findall(before)[-_FARTHEST:]]
        carries = place.name.lower() in words.CARRIERS
        if place.is_assigned and (carries or place.name.lower() not in words.FILLERS):
            enclosing = _ENCLOSING.search(before) if carries else None
            name = place.name if enclosing is None else (enclosing.group(1) or b"").decode("latin-1")
            return self._of_word([*line, name], len(line))
        return self._leading_on([*line, place.name])

    def _leading_on(self, line: list[str]) -> Says:
        """What one of the last words of `line` says, if none behind it says of what else."""
        unknown, following = 0, ""
        for index in range(len(line) - 1, max(-1, len(line) - _FARTHEST), -1):
            word = line[index].lower()
            if not word[0].isalpha() or _is_value(word):
                break
            said = self._of_word(line, index)
            if said is Says.SOMETHING_ELSE or (said is Says.SECRET and _is_spoken(line[index])):
                return said
            if word in ("key", "keys") and following in words.HANDED_OVER:
                return Says.SECRET
            following = word
            unknown += _weight(line[index])
            if unknown > 1:
                break
        return Says.NOTHING

    def _of_word(self, line: list[str], index: int) -> Says:
        """What the word at `index` says, given the one before it: `key` little, `api key` much."""
        word = line[index]
        named = split_words(word)
        if named in _ALONE:
            before = line[index - 1].lower() if index and line[index - 1][0].isalpha() else ""
            if before and before not in words.FILLERS:
                return _said(self._judge(f"{before}_{word}"), Says.SOMETHING_ELSE)
        opens_otherwise = not (_ALONE_WORDS.isdisjoint(named) or _OTHERWISE.isdisjoint(named))
        return _said(self._judge(word), Says.SOMETHING_ELSE if opens_otherwise else Says.NOTHING)


def _said(verdict: Sensitivity, harmless: Says) -> Says:
    if verdict is Sensitivity.HARMLESS:
        return harmless
    return Says.SECRET if verdict >= Sensitivity.LIKELY else Says.NOTHING


def _is_value(word: str) -> bool:
    """Whether a word is rather a value, too."""
    return len(word) >= LEAST and not word.isalpha() and "_" not in word and "-" not in word


def _is_spoken(word: str) -> bool:
    """Whether a word says secret in a sentence, too, where `pass` and `auth` say something else."""
    return not words.SPOKEN.isdisjoint(split_words(word))


def _weight(word: str) -> int:
    """How much a word says of what else the value may be: nothing, perhaps something, enough."""
    if word.lower() in words.FILLERS:
        return 0
    named = split_words(word)
    return 2 if names_identity(named) or not words.ABOUT.isdisjoint(named) else 1
