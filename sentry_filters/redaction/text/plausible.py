"""Whether a text could be a secret, given how much its key indicates. All of it works on bytes of UTF-8."""

from __future__ import annotations

from sentry_filters.redaction.keys import Sensitivity
from sentry_filters.redaction.regex import Regex, deferred_regex

_JUDGED = 400  # bytes: more of a value does not change the judgement, only its cost

# What takes the place of a secret, or leads to where one is kept.
_REFERENCES = (
    r"(?:[\s*.\-_=xX#?:]|\xe2\x80[\xa2\xa6])*",  # nothing, or a mask
    r"\[[a-z][^\]]*\]?|%5b[a-z](?:[a-z+ ]|%20)*(?:%5d|$)",  # [Filtered], [REDACTED], [Scrubbed due to …
    r"<[a-z][^<>]*>?|<[^<>]*>|&lt;.*|%3c.*%3e",  # <your key>
    r"\$\{.*|\$\(.*|\$[0-9]?|\$[a-z_][a-z0-9_]*|\{[a-z_{].*|#\{.*",
    r"%[a-z_][a-z0-9_]*%|@[a-z_]+@|!ref.*",
    r"%\([a-z0-9_]+\)s|%[sdrv]",
    r"\$[a-z_][a-z0-9_]*/\S*",  # $HOME/.token
    r"[^:\s]*:(?:\*+|(?:%2a)+|x{3,}|\.{3}|\[[a-z][^\]]*\]|<[^<>]*>|\{.*|\$\{.*|(?-i:\$[A-Z_][A-Z0-9_]*))",
    r"[^:\s]*:(?:%s|redacted|filtered|masked|hidden|removed|scrubbed|%5b[a-z]+%5d)",  # as SDKs wrote it
    r"\$[a-z0-9_{(][^:]*:\$[a-z0-9_{(].*",
    r"(?:os\.|process\.|import\.meta\.)?env(?:iron)?[.(\[].*",
    r"(?:op|vault|secretsmanager|ssm|keyring|gcpsm)://.*|arn:aws:(?:secretsmanager|ssm|iam|kms).*",
)
# What a program or a sentence writes in the place of a value.
_STOPGAPS = (
    "null none nil true false undefined nan n/a empty unset missing unknown default yes no on off required "
    "optional string str text byte bytes int integer number bool boolean float object any array list dict "
    "password passwd secret token key apikey api_key api-key hidden masked redacted filtered removed "
    "withheld omitted scrubbed "
    "changeme todo tbd bearer basic digest self this value invalid valid expired wrong incorrect failed"
)


def _whole(*alternatives: str) -> Regex:
    return deferred_regex(f"(?is)^(?:{'|'.join(alternatives)})$", captures=False)


_REFERENCE = _whole(*_REFERENCES)
_STOPGAP = _whole(*_STOPGAPS.split())
# What SDKs write into a URL's query, with the fragment behind it: Sentry's and OpenTelemetry's.
_MASK_IN_QUERY = _whole(r"(?:\[[a-z][a-z ]*\]|%5b[a-z][a-z+]*%5d|redacted|\*{3,})#\S*")
_PLAIN = deferred_regex(
    r"^(?:[A-Za-z]?[a-z]*(?:[ _\-./:][A-Za-z]?[a-z]*)*[.:!?,]?|[A-Z]+(?:[ _\-][A-Z]+)*)$", captures=False
)
_CAMEL = deferred_regex(r"^[A-Za-z]?[a-z]+(?:[A-Z][a-z]+)*$", captures=False)
_UUID = _whole(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_DIGEST = _whole(r"[0-9a-f]+")
_NUMBERS = _whole(r"[\d.,:+\-tz/ ]+", r"v?\d+(?:\.\d+)+\S{0,12}")
# A package's release (peps.python.org/pep-0440): Sentry events list the packages that are installed, of which
# one may be called `asgi-csrf`.
_VERSION = _whole(r"v?\d{1,5}(?:\.\d{1,5}){1,4}(?:(?:a|b|rc|\.post|\.dev)\d{1,3})?")
_FEW_DIGITS = _whole(r"\d{1,3}")  # a count, a port, a status
# Where a program keeps a secret: app.settings.api_token
_ATTRIBUTE = deferred_regex(r"^[a-z_]{3,}(?:\.[a-z_]{3,})*\.(?:[a-z_]{3,}|[A-Z_]{3,})$", captures=False)
_LOCATION = _whole(r"(?:[a-z][a-z0-9+.\-]*:/)?/\S*", r"[a-z]:\\.*", r"\.{1,2}/.*", r"[\w.\-]+(?:/[\w.\-]+)+")
_BLANK = deferred_regex(r"\s", captures=False)

_LOWER = frozenset(b"abcdefghijklmnopqrstuvwxyz")
_UPPER = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset(b"0123456789")
_OTHER = frozenset(range(256)) - _LOWER - _UPPER - _DIGITS - frozenset(b" \t\r\n\v\f")


def is_secret(value: bytes, sensitivity: Sensitivity) -> bool:
    """Whether `value`, all of it, is secret under a key of this sensitivity."""
    if sensitivity is Sensitivity.HARMLESS or is_placeholder(value):
        return False
    if sensitivity <= Sensitivity.LIKELY:
        return looks_random(value, ids=sensitivity is Sensitivity.LIKELY)
    if _FEW_DIGITS.match(value) is not None or _ATTRIBUTE.match(value) is not None:
        return False
    return sensitivity is not Sensitivity.SECRET or _VERSION.match(value) is None


def is_placeholder(value: bytes) -> bool:
    """Whether `value` masks a secret, refers to one, or stands in for one."""
    bare = _bare(value)
    if _REFERENCE.match(bare) is not None or _STOPGAP.match(bare) is not None:
        return True
    return _MASK_IN_QUERY.match(bare) is not None and not looks_random(bare.partition(b"#")[2])


def is_reference(value: bytes) -> bool:
    """Whether `value` masks a secret or refers to one."""
    return _REFERENCE.match(_bare(value)) is not None


def is_plain(value: bytes) -> bool:
    """Whether `value` consists of words."""
    value = value[:_JUDGED]
    if _PLAIN.match(value) is not None:
        return True
    # CamelCase: words are longer than the humps of a random text.
    return len(value) >= 3.5 * sum(byte in _UPPER for byte in value) and _CAMEL.match(value) is not None


def looks_random(value: bytes, *, least: int = 12, ids: bool = False) -> bool:
    """Whether `value` looks generated: long enough, mixed characters; an id only when `ids` may be secret."""
    value = value[:_JUDGED]
    if len(value) < least or _is_ordinary(value):
        return False
    if _UUID.match(value) is not None:
        return ids
    if _DIGEST.match(value) is not None:
        return ids and len(value) >= 20
    if _BLANK.search(value) is not None:
        return _is_random_with_blanks(value)
    return _is_mixed(value) and not (_LOCATION.match(value) is not None and _variety(value) < 4)


def _is_ordinary(value: bytes) -> bool:
    """Whether `value` is a structure, words, or numbers."""
    return value[:1] in b"{[<(" or is_plain(value) or _NUMBERS.match(value) is not None


def _is_random_with_blanks(value: bytes) -> bool:
    """Whether `value` looks generated although it has blanks: fewer of them than prose."""
    return 24 <= len(value) <= 128 and _variety(value) == 4 and value.count(b" ") * 8 < len(value)


def _bare(value: bytes) -> bytes:
    return value[:_JUDGED].strip().strip(b"\\\"'`").strip()


def _variety(value: bytes) -> int:
    """How many of the four classes of characters occur."""
    return sum(not characters.isdisjoint(value) for characters in (_LOWER, _UPPER, _DIGITS, _OTHER))


def _is_mixed(value: bytes) -> bool:
    digits = sum(byte in _DIGITS for byte in value)
    upper = sum(byte in _UPPER for byte in value)
    letters = upper + sum(byte in _LOWER for byte in value)
    if digits:
        return letters > 0 and (digits >= 2 or upper >= 2)
    return letters >= 16 and 3 <= upper <= letters - 3
