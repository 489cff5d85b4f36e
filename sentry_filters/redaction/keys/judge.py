"""What a key indicates about its value, judged by the words of the key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import IntEnum

from sentry_filters.redaction.keys import words as key_words
from sentry_filters.redaction.regex import deferred_regex


class Sensitivity(IntEnum):
    """How much a key alone indicates."""

    HARMLESS = 0
    POSSIBLE = 1  # the value is redacted when it looks like a secret, and not like an id
    LIKELY = 2  # the value is redacted when it looks like a secret, hexadecimal ones included
    SECRET = 3  # the value is redacted, unless it is a placeholder, a number or a flag
    PASSWORD = 4  # numbers are redacted too
    HEADER = 5  # an Authorization header: its scheme may stay
    COOKIE = 6  # the names of the cookies may stay
    CONTENT = 7  # a prompt or a completion, where the policy wants none


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Headers may be named in any case. Where each letter changes it, humps may be no words: `aUtHoRiZaTiOn`.
_ALTERNATING = re.compile(
    r"(?<![A-Za-z])(?:(?:[a-z][A-Z])+[a-z]|(?:[a-z][A-Z]){2,}|(?:[A-Z][a-z])+[A-Z]|(?:[A-Z][a-z]){2,})"
    r"(?![A-Za-z])"
)
_SECTIONS = re.compile(r"[a-z]+|[0-9]+")
_LONGEST = 128  # longer texts are not names; they are redacted as text
_REMEMBERED = 4096
_CONTENT = deferred_regex(rf"{key_words.CONTENT_KEY}(?:$|[._\-].*|s$)", captures=False)
_HARMLESS, _POSSIBLE, _LIKELY, _SECRET, _PASSWORD, _HEADER, _COOKIE, _ = Sensitivity


class HarmlessKeys:
    """A bounded memory of keys that neither indicate nor hold a secret. Thread-safe."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def lookups(self) -> tuple[Callable[[object], bool], Callable[[Iterable[object]], bool]]:
        """Functions for loops: whether one key is known, and whether all of some keys are."""
        return self._keys.__contains__, self._keys.issuperset

    def add(self, keys: Iterable[str]) -> None:
        """Remember `keys`, except long ones and those of values, such as `value`."""
        if len(self._keys) >= _REMEMBERED:
            self.forget()
        self._keys.update(key for key in keys if len(key) <= _LONGEST and key not in key_words.VALUING)

    def forget(self) -> None:
        """Start anew: there is a new secret that a key could hold."""
        self._keys = set()  # a new one: another thread may be reading the old


class KeyJudge:
    """Judges keys, and remembers a bounded number of judgements. Thread-safe; never raises on a str.

    Its arguments are the redactor's; ValueError names one that has no letter.
    """

    def __init__(self, *, keys: Iterable[str] = (), kept: Iterable[str] = (), content: bool = False) -> None:
        self.judges_content = content
        added = _names("keys", keys)
        self._by_name: dict[tuple[str, ...], Sensitivity] = {
            **dict.fromkeys(map(split_words, key_words.COOKIES), _COOKIE),
            **dict.fromkeys(map(split_words, key_words.HEADERS), _HEADER),
            **dict.fromkeys(added, _SECRET),
            **dict.fromkeys(_names("kept_keys", kept), _HARMLESS),
        }
        spelt = (r"[^A-Za-z0-9\"]?".join(words) for words in sorted(added))
        # What every key contains that is not harmless.
        self.pattern = f"(?i:{'|'.join((key_words.KEY_WORD, *spelt))})"
        self._word = deferred_regex(self.pattern, captures=False)
        self._memory: dict[str, Sensitivity] = {}
        self.harmless = HarmlessKeys()

    def __call__(self, key: str) -> Sensitivity:
        """What `key` indicates about its value."""
        verdict = self._memory.get(key)
        if verdict is None:
            verdict = self._judge(key)
            if len(key) <= _LONGEST:
                if len(self._memory) >= _REMEMBERED:
                    self._memory = {}  # a new one: another thread may be reading the old
                self._memory[key] = verdict
        return verdict

    def _judge(self, key: str) -> Sensitivity:
        if self.judges_content and _is_content(key):
            return Sensitivity.CONTENT
        if len(key) > _LONGEST or self._word.search(key.encode("utf-8", "surrogatepass")) is None:
            return _HARMLESS
        for spelt in (split_words(key), tuple(_SECTIONS.findall(key.lower()))):
            by_name = self._by_name.get(_without_numbers(spelt))
            if by_name is not None:
                return by_name
        folded = _ALTERNATING.sub(lambda section: section.group().lower(), key)
        return max(_by_words(_without_numbers(split_words(spelt))) for spelt in {key, folded})


def split_words(key: str) -> tuple[str, ...]:
    """The words of a key in any spelling: `apiKey`, `API_KEY` and `x-api-key` end in ("api", "key")."""
    return tuple(word.lower() for word in _WORDS.findall(key))


def _without_numbers(words: tuple[str, ...]) -> tuple[str, ...]:
    while words and words[-1].isdigit():
        words = words[:-1]
    return words


def _names(option: str, names: Iterable[str]) -> frozenset[tuple[str, ...]]:
    if isinstance(names, str | bytes):
        message = f"invalid {option}: {names!r}; expected a list of names, not a text"
        raise ValueError(message)  # noqa: TRY004 - all invalid entries are one kind of error
    judged = set()
    for name in names:
        words = split_words(name) if isinstance(name, str) else ()
        if not words:
            raise ValueError(f"invalid {option}: {name!r}; expected a name with a letter in it")
        judged.add(words)
    return frozenset(judged)


def _by_words(words: tuple[str, ...]) -> Sensitivity:
    """What the words name, unless the words behind it turn it into something about a secret."""
    if words[-2:] == ("secret", "id"):  # half of an AppRole's credential, or the name of a secret
        return _LIKELY
    found, place = _HARMLESS, len(words)
    for index in range(len(words)):
        named = _named(words, index)
        if named is not _HARMLESS:
            found, place = max(found, named), index
    tail = words[place + 1 :]
    if any(word in key_words.ABOUT for word in tail):
        return _HARMLESS
    if all(word in key_words.NEUTRAL or word.isdigit() or len(word) == 1 for word in tail):
        return found
    return min(found, _POSSIBLE)


def _named(words: tuple[str, ...], index: int) -> Sensitivity:
    """What the word at `index` names, given the word before it."""
    word, before = words[index], words[index - 1] if index else ""
    is_last = index == len(words) - 1
    if word in ("token", "tokens"):
        return _token(before, plural=word == "tokens", alone=len(words) == 1)
    if word in ("key", "keys"):
        return _key(words, before, alone=len(words) == 1)
    if word in key_words.PASSWORDS:
        return _PASSWORD if is_last or word.startswith("passw") else _SECRET
    if word in key_words.SECRETS:
        return _SECRET
    return _by_ending(word) or (_at_the_end(word, before) if is_last else _HARMLESS)


def _by_ending(word: str) -> Sensitivity:
    if not word.endswith(key_words.SECRET_ENDINGS):
        return _HARMLESS
    return _PASSWORD if word.endswith(key_words.PASSWORD_ENDINGS) else _SECRET


def _at_the_end(word: str, before: str) -> Sensitivity:
    """What the last word names that names nothing elsewhere."""
    if word == "auth" and before in key_words.AUTH_SCHEMES:
        return _SECRET
    if word == "signature" and before in key_words.OF_THOUGHT:
        return _HARMLESS
    return _POSSIBLE if word in key_words.AMBIGUOUS else _HARMLESS


def _token(before: str, *, plural: bool, alone: bool) -> Sensitivity:
    if plural:
        return _SECRET if before in key_words.TOKENS else _HARMLESS
    if alone:
        return _LIKELY  # also what a tokenizer calls a piece of text, which does not look generated
    if before in key_words.PAGINATION:
        return _HARMLESS
    return _POSSIBLE if before in key_words.NO_TOKEN else _SECRET


def _key(words: tuple[str, ...], before: str, *, alone: bool) -> Sensitivity:
    if not before:
        return _POSSIBLE if alone else _HARMLESS
    if "public" in words or "pub" in words:
        return _HARMLESS
    if before in key_words.STRENGTHENING:
        return _SECRET
    return _HARMLESS if before in key_words.IDENTIFYING else _LIKELY


def _is_content(key: str) -> bool:
    """Whether the value of `key` is a prompt or a completion."""
    if len(key) < 8 or "." not in key or key.endswith(key_words.ABOUT_CONTENT):
        return False
    return _CONTENT.match(key.encode("utf-8", "replace")) is not None
