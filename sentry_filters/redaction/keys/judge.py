"""What a key says about its value, judged by the words of the key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

from sentry_filters.redaction.keys import words as key_words
from sentry_filters.redaction.keys.content import is_content_key
from sentry_filters.redaction.keys.words import VALUING
from sentry_filters.redaction.regex import compile_regex


class Sensitivity(IntEnum):
    """How much a key alone says."""

    HARMLESS = 0
    POSSIBLE = 1  # the value goes when it looks like a secret, and not like an id
    LIKELY = 2  # the value goes when it looks like a secret, hexadecimal ones included
    SECRET = 3  # the value goes, unless it is a placeholder, a number or a flag
    PASSWORD = 4  # numbers go too
    HEADER = 5  # an Authorization header: its scheme may stay
    COOKIE = 6  # the names of the cookies may stay
    CONTENT = 7  # a prompt or a completion, where the policy wants none


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONGEST = 128  # longer texts are no names; they are redacted as text
_REMEMBERED = 4096
_HARMLESS, _POSSIBLE, _LIKELY, _SECRET, _PASSWORD = list(Sensitivity)[:5]


class KeyJudge:
    """Judges keys, and remembers a bounded number of judgements. Thread-safe; never raises on a str."""

    def __init__(self, *, keys: Iterable[str] = (), kept: Iterable[str] = (), content: bool = False) -> None:
        self.judges_content = content
        self._extra = _names("keys", keys)
        self._kept = _names("kept_keys", kept)
        spelt = (r"[^A-Za-z0-9\"]?".join(words) for words in sorted(self._extra))
        self.pattern = f"(?i:{'|'.join((key_words.KEY_WORD, *spelt))})"  # what no judged key is without
        self._word = compile_regex(self.pattern, captures=False)
        self._memory: dict[str, Sensitivity] = {}
        self.harmless: set[str] = set()

    def __call__(self, key: str) -> Sensitivity:
        """What `key` says about its value."""
        verdict = self._memory.get(key)
        if verdict is None:
            verdict = self._judge(key)
            if len(key) <= _LONGEST:
                if len(self._memory) >= _REMEMBERED:
                    self._memory = {}  # a new one: another thread may be reading the old
                self._memory[key] = verdict
        return verdict

    def remember(self, keys: Iterable[str]) -> None:
        """Take `keys` into `harmless`: they neither say anything about a value, nor hold anything."""
        if len(self.harmless) >= _REMEMBERED:
            self.harmless = set()
        self.harmless.update(key for key in keys if len(key) <= _LONGEST and key not in VALUING)

    def forget(self) -> None:
        """Empty `harmless`: there is something new that a key could hold."""
        self.harmless = set()

    def _judge(self, key: str) -> Sensitivity:
        if self.judges_content and is_content_key(key):
            return Sensitivity.CONTENT
        if len(key) > _LONGEST or self._word.search(key.encode("utf-8", "surrogatepass")) is None:
            return _HARMLESS
        words = split_words(key)
        while words and words[-1].isdigit():
            words = words[:-1]
        if not words or words in self._kept:
            return _HARMLESS
        if words in self._extra:
            return _SECRET
        if words in key_words.HEADERS:
            return Sensitivity.HEADER
        if words in key_words.COOKIES:
            return Sensitivity.COOKIE
        return _by_words(words)


def split_words(key: str) -> tuple[str, ...]:
    """The words of a key in any spelling: `apiKey`, `API_KEY` and `x-api-key` end in ("api", "key")."""
    return tuple(word.lower() for word in _WORDS.findall(key))


def _names(option: str, names: Iterable[str]) -> frozenset[tuple[str, ...]]:
    if isinstance(names, str | bytes):
        message = f"{option} must be a list of names, not the text {names!r}"
        raise ValueError(message)  # noqa: TRY004 - all faulty entries are one kind of error
    judged = set()
    for name in names:
        words = split_words(name) if isinstance(name, str) else ()
        if not words:
            raise ValueError(f"{option}: {name!r} is no name with a letter in it")
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
    word = words[index]
    before = words[index - 1] if index else ""
    last = index == len(words) - 1
    if word in key_words.PASSWORDS:
        return _PASSWORD if last or word.startswith("passw") else _SECRET
    if word in ("token", "tokens"):
        return _token(before, plural=word == "tokens", alone=len(words) == 1)
    if word in ("key", "keys"):
        return _key(words, before, alone=len(words) == 1)
    if word in key_words.SECRETS:
        return _SECRET
    if word.endswith(key_words.SECRET_ENDINGS):
        return _PASSWORD if word.endswith(("password", "passwd", "pwd")) else _SECRET
    if word == "auth" and last and before in ("basic", "http", "proxy", "bearer", "digest"):
        return _SECRET
    if (
        word in ("auth", "authorization", "cookie", "cookies", "dsn", "signature", "salt", "sid", "sess")
        and last
    ):
        return _POSSIBLE
    if word == "session" and last:
        return _POSSIBLE
    return _HARMLESS


def _token(before: str, *, plural: bool, alone: bool) -> Sensitivity:
    if plural:
        qualified = before in ("access", "auth", "refresh", "api", "session", "bearer", "id", "secret")
        return _SECRET if qualified else _HARMLESS
    if alone:
        return _POSSIBLE  # also what a tokenizer calls a piece of text
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
