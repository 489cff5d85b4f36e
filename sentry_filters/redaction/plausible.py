"""Whether a text could be a secret, given how much its key says."""

from __future__ import annotations

import re

from .keys import Sensitivity
from .marks import REDACTED, WITHHELD

__all__ = ["goes"]

# What stands where a secret will be, was, or comes from: references, masks, types, and marks of redactors.
_PLACEHOLDER = re.compile(
    r"""
      [\s*.\-_=x•…#?]*                                            # nothing, or a mask
    | (?:null|none|nil|true|false|undefined|nan|n/a|empty|unset|missing|unknown|default|yes|no|on|off
        |required|optional|string|str|text|bytes?|int(?:eger)?|number|bool(?:ean)?|float|object|any|array|list|dict
        |password|passwd|secret|token|api[ _-]?key|key|hidden|masked|redacted|filtered|removed|withheld|omitted|scrubbed
        |changeme|todo|tbd|bearer|basic|digest|self|this|value|invalid|valid|expired|wrong|incorrect|failed)
    | \[[a-z][^\]]*\]?                                            # [Filtered], [REDACTED], [Scrubbed due to …
    | <[^<>]*>? | &lt;.*                                          # <your key>
    | \$\{.* | \$\(.* | \$[a-z_]\w* | \{\{.* | \{[a-z_][\w.\[\]'"]*(?:![rsa])?\} | %[a-z_]\w*%
    | %\(\w+\)s | %[sdrv] | @[a-z_]+@ | !ref.* | \#\{.*
    | (?:\$[a-z_{(][^:]*):(?:\$[a-z_{(].*)
    | (?:os\.|process\.|import\.meta\.)?env(?:iron)?[.(\[].* | (?:op|vault|secretsmanager|ssm|keyring|gcpsm)://.*
    | arn:aws:(?:secretsmanager|ssm|iam|kms).*
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN_WORDS = re.compile(r"[A-Za-z]?[a-z]*(?:[ _\-./][A-Za-z]?[a-z]*)*[.:!?,]?|[A-Z]+(?:[ _\-][A-Z]+)*")
_IDENTIFIER_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[a-z_]+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_ID_LIKE = re.compile(r"[0-9a-f]{6,40}|[0-9a-f]{64}|[\d.,:+\-TZ/ ]+|v?\d+(?:\.\d+)+\S{0,12}", re.IGNORECASE)
_LOCATION = re.compile(r"(?:[a-z][a-z0-9+.\-]*:/)?/[^\s]*|[A-Za-z]:\\.*|\.{1,2}/.*|[\w.\-]+(?:/[\w.\-]+)+", re.IGNORECASE)


def is_placeholder(value: str) -> bool:
    """Whether `value` only refers to a secret, masks one, or names a type."""
    head = value[:200].strip().strip("\\\"'`").strip()
    return (
        head.startswith((REDACTED, WITHHELD))
        or _PLACEHOLDER.fullmatch(head) is not None
    )


def looks_random(value: str, *, least: int = 12) -> bool:
    """Whether `value` looks generated: long enough, and of mixed characters."""
    value = value[:400]
    if len(value) < least or _PLAIN_WORDS.fullmatch(value) or _UUID.fullmatch(value) or _ID_LIKE.fullmatch(value):
        return False
    if _LOCATION.fullmatch(value) and not _mixed(value):
        return False
    if any(character.isspace() for character in value):
        return len(value) >= 24 and _classes(value) >= 4 and value.count(" ") * 8 < len(value)
    return _mixed(value)


def _classes(value: str) -> int:
    return sum((
        any("a" <= c <= "z" for c in value), any("A" <= c <= "Z" for c in value),
        any("0" <= c <= "9" for c in value), any(not c.isalnum() and not c.isspace() for c in value),
    ))


def _mixed(value: str) -> bool:
    letters = sum(c.isalpha() for c in value)
    digits = sum("0" <= c <= "9" for c in value)
    upper = sum("A" <= c <= "Z" for c in value)
    if digits and letters:
        return digits >= 2 or upper >= 2
    return not digits and letters >= 16 and 3 <= upper <= letters - 3


def goes(value: str, sensitivity: Sensitivity) -> bool:
    """Whether `value`, standing as a value of its own under such a key, has to go."""
    if sensitivity is Sensitivity.HARMLESS or is_placeholder(value):
        return False
    if sensitivity is Sensitivity.POSSIBLE:
        return looks_random(value)
    return True
