"""What looks generated: a judge of values, by how improbable they are as something that people write.

It is asked about candidates only, whose context already says something: see `grammar`.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from operator import add, sub

from sentry_filters.redaction.keys import split_words, words
from sentry_filters.redaction.regex import deferred_regex
from sentry_filters.redaction.text.ordinary import STEPS, SYMBOLS, TABLE

LEAST = 16  # characters; what is shorter is as likely a word, a version or an id
_MOST_SECTIONS = 4  # of a prefix
_JUDGED = 96  # bytes: more of a value does not change the judgement, only its cost
_LEAST_COMPOUND = 48
_LONG = 24
_FEWEST_CAPITALS, _MOST_CAPITALS = 3, 8

_PAIRS = zlib.decompress(base64.b85decode(TABLE))
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = b"0123456789"
_TO_SYMBOLS = bytes(
    _LETTERS.index(byte) if byte in _LETTERS else 52 if byte in _DIGITS else 53 for byte in range(256)
)

_HEXADECIMAL = (b"0123456789abcdef", b"0123456789ABCDEF")
_UUID = deferred_regex(r"(?i)^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", captures=False)
_ONLY_ID = re.compile(r"([a-z0-9]{1,16})([_-])[A-Za-z0-9_-]+", re.ASCII)
_PREFIX = re.compile(rb"([A-Za-z0-9]{1,16})([_\-.~:])")
_TO_SECTIONS = bytes(byte if byte in _LETTERS + _DIGITS else 32 for byte in range(256))
_DIGESTS = (b"sha1-", b"sha256-", b"sha384-", b"sha512-", b"md5-", b"h1:", b"blake2", b"blake3", b"crc32")
_IDS = ("uid", "uuid", "guid", "ulid", "nanoid", "cuid", "objectid", "clid", "userid", "traceid", "requestid")


class Form(Enum):
    """What a value looks like."""

    ORDINARY = auto()  # words, names, versions, paths
    NUMBER = auto()  # hexadecimal, perhaps with a prefix: an id, a digest, or a key
    RANDOM = auto()  # random characters


@dataclass(frozen=True, slots=True)
class OwnForm:
    """A value such as `dnkey-…`, with the words of its prefix."""

    prefix: tuple[str, ...]
    joint: bytes
    tail: bytes
    form: Form  # of the tail
    is_clear: bool  # the prefix is none by chance, as the first letters of base64 may be

    @property
    def says_key(self) -> bool:
        """Whether the prefix itself says that a key follows."""
        return any(word in words.KEY_PREFIXES or word.endswith(("key", "tok")) for word in self.prefix)

    @property
    def is_public(self) -> bool:
        """Whether it begins as the ids of services do, which are shown to anyone."""
        return not self.says_key and _is_public(self.prefix, self.joint)


def surprise(value: bytes) -> float:
    """How many bits a pair of neighbouring characters of `value` is worth, in ordinary text."""
    symbols = value[:_JUDGED].translate(_TO_SYMBOLS)
    if len(symbols) < 2:
        return 0.0
    rows = map(SYMBOLS.__mul__, symbols)
    total = sum(map(_PAIRS.__getitem__, map(add, rows, symbols[1:])))
    return total / STEPS / (len(symbols) - 1)


def form_of(value: bytes) -> Form:
    """What `value` looks like."""
    bare = value.rstrip(b"=")
    if len(bare) < LEAST - 4 or _is_digest(bare):
        return Form.ORDINARY
    if _is_hexadecimal(bare) or (len(bare) == 36 and _UUID.match(bare) is not None):
        return Form.NUMBER
    if _is_random(bare) and not _is_sequence(bare):
        return Form.RANDOM
    return Form.NUMBER if _has_number(bare) else Form.ORDINARY


def _is_digest(value: bytes) -> bool:
    """Whether `value` says itself that it is a digest, or an address in memory."""
    is_address = value[:2] == b"0x" and _is_hexadecimal(value[2:])
    return is_address or value[:8].lower().startswith(_DIGESTS)


def looks_generated(value: bytes) -> bool:
    """Whether `value` is hardly a word, a name or a path: enough where a word says that it is secret."""
    bare = value.rstrip(b"=")
    return len(bare) >= LEAST and _is_random(bare, mercy=0.7)


def is_compound(value: bytes) -> bool:
    """Whether `value` is several generated parts joined by dots, as signed tokens are."""
    parts = value.split(b".")
    if not 2 <= len(parts) <= 5 or len(value) < _LEAST_COMPOUND:
        return False
    generated = [part for part in parts if len(part) >= LEAST and form_of(part) is Form.RANDOM]
    return len(generated) >= 2 and all(len(part) < LEAST or part in generated for part in parts)


def own_form(value: bytes) -> OwnForm | None:
    """The prefix and the generated tail of a value; None of one that has no such form."""
    at = first = int(value.startswith(b"$"))
    named: list[str] = []
    joint = b""
    # The prefix ends where the generated part begins, which may have separators of its own.
    for _ in range(_MOST_SECTIONS):
        match = _PREFIX.match(value, at)
        if match is None or _is_random_section(match[1]) or (not named and match[1][:1].isdigit()):
            break
        named += split_words(match[1].decode("latin-1"))
        joint, at = match[2], match.end()
    if not joint:
        return None
    tail = value[at:]
    form = form_of(tail)
    if form is Form.ORDINARY:
        return None
    return OwnForm(tuple(named), joint, tail, form, is_clear=_is_clear(value[first : at - 1]))


def _is_clear(prefix: bytes) -> bool:
    """Whether a prefix is written as services write theirs: lower case, or a few capitals."""
    if prefix.islower():
        return len(prefix) > 1
    return prefix.isupper() and _FEWEST_CAPITALS <= len(prefix) <= _MOST_CAPITALS


def is_public_id(value: bytes) -> bool:
    """Whether `value` begins with the name of what it is the id of: `user_…`, `chatcmpl-…`."""
    match = _PREFIX.match(value)
    return match is not None and _is_public(split_words(match[1].decode("latin-1")), match[2])


def is_only_public_id(text: str) -> bool:
    """Whether `text` is a public id and nothing else: no word in it says what another part of it is."""
    match = _ONLY_ID.fullmatch(text)
    return match is not None and _is_listed(match[1], is_joined=match[2] == "_")


def _is_public(prefix: tuple[str, ...], joint: bytes) -> bool:
    listed = _is_listed(prefix[0], is_joined=joint == b"_")
    return joint != b"~" and (listed or names_identity(prefix))


def _is_listed(prefix: str, *, is_joined: bool) -> bool:
    """Whether ids begin so; a short prefix before anything but an underscore is one by chance."""
    return prefix in words.PUBLIC_PREFIXES and (is_joined or len(prefix) > 3)


def is_word(text: bytes) -> bool:
    """Whether `text` consists of letters as words do."""
    if len(text) < 3 or not text.isalpha():
        return False
    return (text.islower() or text.istitle() or text.isupper()) and surprise(text) < 5


def names_identity(named: tuple[str, ...]) -> bool:
    """Whether a name says that its value is an id, a digest, a place or the like."""
    return not words.IDENTITIES.isdisjoint(named) or any(word.endswith(_IDS) for word in named)


def _is_hexadecimal(value: bytes) -> bool:
    return len(value) >= LEAST and any(not value.translate(None, digits) for digits in _HEXADECIMAL)


def _has_number(value: bytes) -> bool:
    """Whether a long hexadecimal number is part of `value`."""
    for section in value.translate(_TO_SECTIONS).split():
        if _is_hexadecimal(section) and not section.isdigit() and not section.isalpha():
            return True
    return len(value) >= 36 and _UUID.match(value[-36:]) is not None


def _count(value: bytes, characters: bytes) -> int:
    return len(value) - len(value.translate(None, characters))


def _is_random_section(section: bytes) -> bool:
    if section.rstrip(_DIGITS).isalpha() and section.islower():  # `sha256`
        return False
    digits = _count(section, _DIGITS)
    mixed = not (section.islower() or section.isupper() or section.istitle())
    return len(section) > 5 and (digits > 1 or (mixed and surprise(section) > 6.5))


def _is_random(value: bytes, *, mercy: float = 0.0) -> bool:
    """Whether the characters of `value` follow each other as in nothing that people write.

    In bits for each pair of them: identifiers, names of files and models, and versions need 2 to 5.4, random
    text of one case and digits 5.5 to 9, of both cases 6.8 to 10; the longer it is, the nearer to the middle.
    """
    enough = 5.6 if value.islower() or value.isupper() else 6.6
    if len(value) < _LONG:
        enough += 0.3
    return _is_mixed(value) and surprise(value) >= enough - mercy and not _is_composed(value)


def _is_mixed(value: bytes) -> bool:
    """Whether digits and letters, or both cases, alternate as they do in random text."""
    digits, letters = _count(value, _DIGITS), _count(value, _LETTERS)
    if not letters:
        return False
    if digits >= 2:
        return digits * 16 >= len(value) or letters >= 16
    return not value.islower() and not value.isupper()


def _is_sequence(value: bytes) -> bool:
    """Whether the characters follow each other as in an alphabet."""
    steps = Counter(map(sub, value[1:], value))
    return (steps[0] + steps[1]) * 3 > len(value)


def _is_composed(value: bytes) -> bool:
    """Whether words make up much of `value`: a name with a generated ending, as of a pod."""
    sections = value.translate(_TO_SECTIONS).split()
    wordy = sum(len(section) for section in sections if is_word(section))
    return wordy * 5 >= sum(map(len, sections)) * 2
