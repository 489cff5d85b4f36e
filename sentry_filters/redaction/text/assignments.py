"""Finds values whose key indicates a secret, in any spelling that text has for `key = value`.

Snake, camel, kebab and dotted keys; JSON, YAML, env, query strings, headers, Python and Ruby, XML, shell
options, function arguments; quoted or not, and escaped as often as JSON in JSON in JSON needs.
"""

from __future__ import annotations

from dataclasses import dataclass

from sentry_filters.redaction.keys import KeyJudge, Sensitivity, split_words
from sentry_filters.redaction.regex import deferred_regex
from sentry_filters.redaction.text.generated import Form, form_of
from sentry_filters.redaction.text.headers import authorization_parts, cookie_parts
from sentry_filters.redaction.text.plausible import is_placeholder, is_plain, is_secret, looks_random
from sentry_filters.redaction.text.ranges import Range

_IDENT = r"[A-Za-z0-9_.\-]"
_QUOTE = r"(?:\\*[\"'`]|&quot;|&#34;|%22)"
_CLOSE = rf"(?:{_QUOTE}?[\])]*)"
_REPR = r"\\*\"(?:[bfru]?\\*')?|\\*'(?:\\*\")?"  # a repr in JSON has two quotes
_OPEN = rf"(?:(?:[bfru]{{1,2}})?(?:{_REPR}|{_QUOTE})|)"
_GAP = r"(?:[ \t]|\\+t)"  # also as serialised text writes it
_SPACE = r"(?:\s|\\+[nrt])"
_BLOCK = rf"(?:[|>][+\-]?{_GAP}*(?:\r?\n|\\+n){_SPACE}*)?"  # a value on the next line, in YAML
_ASSIGN = rf"{_GAP}*(?:=>|->|:?:?={{1,3}}|:|%3D|%3A){_GAP}*{_BLOCK}"
_VALUE_KEY = rf"\\*[\"'](?:value|val|content|default|data|secret_value)\\*[\"']{_SPACE}*:{_SPACE}*"
_COMMA = rf"{_GAP}*,{_SPACE}*(?:{_VALUE_KEY})?"
_ATTRIBUTE = rf"{_SPACE}+(?:value|content|default){_SPACE}*={_SPACE}*"
_ANGLE = rf"{_SPACE}*>{_SPACE}*"
_BLANK = rf"{_GAP}+"
_QUALIFIERS = "access|api|auth|bearer|secret"  # `Access Token  …`, as listings print it
_FIRST = r"[^\s\"'`<]"  # what a value begins with; `<` begins a placeholder or a tag

_IDENT_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
_LONGEST_KEY = 128
_LONGEST_WORDS = 24
_WINDOW = 4096  # a value is judged by so much of it; so no candidate costs more, however many there are

_BARE_END = deferred_regex(r"[\x00-\x20\"'`<>,;&()\[\]{}]|\\+[nrt\"']|%26")
_LINE_END = deferred_regex(r"[\r\n\"`]|\\+[nr\"']|'(?:[^A-Za-z0-9]|$)")
_IDENTIFIER = deferred_regex(
    r"^(?:[A-Za-z_][a-z_]*(?:\.[A-Za-z_]\w*)*|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Z][A-Z_]*)$", captures=False
)
_WORD = deferred_regex(r"^[A-Za-z][a-z]*$", captures=False)
_QUOTE_BEFORE = deferred_regex(r"\\*[\"'`]$")
_INNERMOST = deferred_regex(r"(?:\\*[\"'`]|&[^&]*;|%22)$")
_CONTINUED = deferred_regex(
    r"[+.&]\s*[A-Za-z_$][\w.$ ]*\(|\s*[,;)\]}+:]\s*$|[,;:)]\s*\w*:", captures=False
)  # a text continues behind what looked like its opening quote


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A key in `data`, and where its value begins."""

    data: bytes
    key: str
    key_start: int
    closing: bytes  # what closes the quotes or brackets around the key
    separator: bytes
    opening: bytes  # the quote that opens the value
    start: int
    sensitivity: Sensitivity


class Assignments:
    """Judges the candidates that its `pattern` finds."""

    def __init__(self, judge: KeyJudge) -> None:
        self._judge = judge
        key = f"{judge.pattern}{_IDENT}*"
        enclosed = f"{_QUOTE}(?:{_COMMA}|{_ATTRIBUTE}){_QUOTE}"
        self.pattern = (
            f"(?i:{key}(?:{_CLOSE}{_ASSIGN}{_OPEN}|{enclosed}|{_ANGLE}|{_BLANK}{_QUOTE}){_FIRST}"
            f"|-{_IDENT}*{key}{_BLANK}{_OPEN}{_FIRST}"
            f"|(?:{_QUALIFIERS})[ _\\-](?:token|key){_BLANK}[^\\s\"'`]{{20}})"
        )
        separator = f"{_ASSIGN}|{_COMMA}|{_ATTRIBUTE}|{_ANGLE}|{_BLANK}"
        self._parts = deferred_regex(
            f"(?i)(?:-{_IDENT}*|(?:{_QUALIFIERS})[ _\\-])?({key})({_CLOSE})({separator})({_OPEN}){_FIRST}"
        )

    def at(self, data: bytes, start: int) -> tuple[list[Range], int]:
        """The secrets of the candidate that `pattern` found at `start`, and where to continue."""
        candidate, onward = self._candidate(data, start)
        if candidate is None:
            return [], onward
        at = candidate.start
        secrets = [Range(at + first, at + last, "assignment") for first, last in _secret_parts(candidate)]
        return secrets, max(secrets[-1].end if secrets else onward, start + 1)

    def _candidate(self, data: bytes, start: int) -> tuple[_Candidate | None, int]:
        match = self._parts.match(data, start)
        if match is None:
            return None, start + 1
        key_start = _key_start(data, match.start(1), match.end(1))
        key = data[key_start : match.end(1)].decode("latin-1")
        sensitivity = self._judge(key)
        if key == "key" and data[key_start - 1 : key_start] in (b"?", b"&"):
            sensitivity = max(sensitivity, Sensitivity.LIKELY)  # where many services take their API key
        if sensitivity is Sensitivity.HARMLESS or _is_generated(key):
            return None, max(match.end(1), start + 1)
        candidate = _Candidate(
            data=data,
            key=key,
            key_start=key_start,
            closing=match.group(2) or b"",
            separator=_bare(match.group(3) or b""),
            opening=match.group(4) or b"",
            start=match.end(4),
            sensitivity=sensitivity,
        )
        # Else the value may have a form of its own, whose boundary is the separator's last byte.
        return candidate, match.end(3) - 1


def _is_generated(key: str) -> bool:
    """Whether what ends like a key is the end of a generated text, such as base64 that ends in `Pw=`."""
    return len(key) >= _LONGEST_WORDS and form_of(key.encode("latin-1")) is Form.RANDOM


def _bare(separator: bytes) -> bytes:
    """`separator` without blanks, and without the escapes of blanks."""
    for blank in (b"\\n", b"\\r", b"\\t", b"\\"):
        separator = separator.replace(blank, b"")
    return b"".join(separator.split())


def _key_start(data: bytes, found: int, end: int) -> int:
    """Where the key whose word was found in data[found:end] begins, without the letters of an escape."""
    spelt = data[found:end]
    if (b" " in spelt or not spelt.isascii()) and spelt[:1].isalnum():  # `API key`, `contraseña`
        return min(_identifier_start(data, end), found)
    return _identifier_start(data, end)


def _identifier_start(data: bytes, end: int) -> int:
    """Where the identifier that ends at `end` begins, without the letters of an escape before it."""
    tail = data[max(0, end - _LONGEST_KEY) : end]
    start = end - len(tail) + len(tail.rstrip(_IDENT_BYTES))
    if start and data[start - 1] == ord("\\"):
        start += {b"u": 5, b"x": 3}.get(data[start : start + 1], 1 if data[start] in b"nrtbf" else 0)
    return min(start, end)


def _secret_parts(candidate: _Candidate) -> list[tuple[int, int]]:
    """The secret parts of the value: judged by its beginning, read to its end only when there are some."""
    for limit in (candidate.start + _WINDOW, len(candidate.data)):
        end = _value_end(candidate, limit)
        parts = _parts_until(candidate, end)
        if end != limit or not parts or _is_one_word(candidate, parts, end):
            break
    return parts


def _is_one_word(candidate: _Candidate, parts: list[tuple[int, int]], end: int) -> bool:
    """Whether the parts are a credential behind a scheme, that ends before `end`: the line may be long."""
    return candidate.sensitivity is Sensitivity.HEADER and candidate.start + parts[-1][1] < end


def _parts_until(candidate: _Candidate, end: int) -> list[tuple[int, int]]:
    value = candidate.data[candidate.start : end]
    if candidate.sensitivity is Sensitivity.HEADER:
        return authorization_parts(value)
    if candidate.sensitivity is Sensitivity.COOKIE:
        return list(cookie_parts(value))
    return [(0, len(value))] if _is_assignment(candidate, value, end) else []


def _value_end(candidate: _Candidate, limit: int) -> int:
    """Where the value ends, at most at `limit`."""
    data, separator = candidate.data, candidate.separator
    limit = min(limit, len(data))
    if candidate.opening:
        closing = _closing_quote(data, candidate.opening, candidate.start, limit)
        if closing >= 0:
            return closing
    if separator.endswith(b">") and b"=" not in separator and b"-" not in separator:
        found = data.find(b"<", candidate.start, limit)
        return limit if found < 0 else found
    ending = _LINE_END if candidate.sensitivity >= Sensitivity.HEADER else _BARE_END
    match = ending.search(data, candidate.start, limit)
    return limit if match is None else match.start()


def _closing_quote(data: bytes, quote: bytes, start: int, limit: int) -> int:
    """Where the text that `quote` opened is closed; -1 when it is not."""
    innermost = _INNERMOST.search(quote)
    quote = quote if innermost is None else quote[innermost.start() :]
    at = start
    while (found := data.find(quote, at, limit)) >= 0:
        escapes = found - len(data[start:found].rstrip(b"\\")) - start
        if not escapes or (len(quote) == 1 and escapes % 2 == 0):
            return found
        at = found + len(quote)
    return -1


def _is_assignment(candidate: _Candidate, value: bytes, end: int) -> bool:
    """Whether key, separator and value together assign a secret, and are not code or prose."""
    if _stands_in(candidate, value):
        return False
    separator = candidate.separator
    if separator.startswith(b","):
        return _is_argument(candidate, value)
    if separator == b">":
        return _is_element(candidate, value, end)
    if not separator and not candidate.key.startswith("-"):
        return _is_listed(candidate, value)
    if not is_secret(value, candidate.sensitivity):
        return False
    if candidate.opening:
        return not _is_between_texts(candidate, value)
    return not separator or not _is_code_or_prose(candidate, value, end)


def _stands_in(candidate: _Candidate, value: bytes) -> bool:
    """Whether the value is nothing, or stands for a secret that is elsewhere."""
    return not value or is_placeholder(value) or _is_own_name(candidate, value)


def _is_own_name(candidate: _Candidate, value: bytes) -> bool:
    """Whether the value names the key again (`api_key: your-api-key`), or is the directory of `PWD=/…`."""
    key = candidate.key.lstrip("-")
    if value[:1] == b"/" and key in ("PWD", "OLDPWD"):
        return True
    if len(value) > 64 or not is_plain(value):
        return False
    named, spelt = set(split_words(key)), set(split_words(value.decode("latin-1")))
    return len(named) > 1 and named <= spelt


def _is_listed(candidate: _Candidate, value: bytes) -> bool:
    """Whether a secret follows its key after nothing but blanks."""
    return _looks_secret(candidate, value) if candidate.opening else looks_random(value, least=20, ids=True)


def _is_argument(candidate: _Candidate, value: bytes) -> bool:
    """Whether a comma separates a secret from its key: an argument, a pair, or a name beside its value."""
    if not candidate.closing or not candidate.opening:
        return False
    if b":" in candidate.separator:
        return is_secret(value, candidate.sensitivity)
    return _looks_secret(candidate, value)


def _is_element(candidate: _Candidate, value: bytes, end: int) -> bool:
    """Whether a secret is the text of the XML element that its key names."""
    before = candidate.data[candidate.key_start - 1 : candidate.key_start]
    is_tagged = before == b"<" and candidate.data[end : end + 2] == b"</"
    return is_tagged and is_secret(value.strip(), candidate.sensitivity)


def _looks_secret(candidate: _Candidate, value: bytes) -> bool:
    """Whether `value` looks secret where its place beside the key indicates little."""
    if candidate.sensitivity < Sensitivity.SECRET:
        return looks_random(value, ids=candidate.sensitivity is Sensitivity.LIKELY)
    if len(value.split(None, 1)) > 1:
        return looks_random(value)
    return len(value) >= 6 and not is_plain(value)


def _is_between_texts(candidate: _Candidate, value: bytes) -> bool:
    """Whether what looks like an opening quote closes the text that holds the key: `"Password:", "`."""
    before = _QUOTE_BEFORE.search(candidate.data[max(0, candidate.key_start - 16) : candidate.key_start])
    enclosed = not candidate.closing and before is not None and before.group() == candidate.opening
    return enclosed or _CONTINUED.match(value) is not None


def _is_code_or_prose(candidate: _Candidate, value: bytes, end: int) -> bool:
    """Whether a bare value is an expression of a program, or a word of a sentence."""
    after = candidate.data[end : end + 2]
    if after[:1] in (b"(", b"["):
        return True
    if looks_random(value, least=16):
        return False
    if _IDENTIFIER.match(value) is not None and _is_expression(candidate, value, after[:1]):
        return True
    return after[:1] == b" " and _WORD.match(value) is not None and after[1:].isalpha()


def _is_expression(candidate: _Candidate, identifier: bytes, after: bytes) -> bool:
    """Whether a bare identifier is assigned as programs assign one to another."""
    is_spaced = candidate.data[candidate.start - 1 : candidate.start] in (b" ", b"\t")
    if b"." in identifier or after in (b",", b")") or (is_spaced and b"=" in candidate.separator):
        return True
    return is_spaced and len(identifier) < 8 and candidate.key[:1].islower()
