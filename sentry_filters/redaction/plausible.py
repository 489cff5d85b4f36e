"""Whether a text could be a secret, given how much its key says."""

from __future__ import annotations

import re

from sentry_filters.redaction.keys import Sensitivity

__all__ = ["goes", "is_placeholder", "is_plain", "is_reference", "looks_random"]

_JUDGED = 400  # characters: more of a value does not change the judgement, only its cost

# What stands where a secret was, or leads to where one is kept: masks, marks of redactors, variables.
_REFERENCE = re.compile(
    r"""
      [\s*.\-_=x•…\#?]*                                            # nothing, or a mask
    | \[[a-z][^\]]*\]?                                            # [Filtered], [REDACTED], [Scrubbed due to …
    | <[a-z][^<>]*>? | <[^<>]*> | &lt;.* | %3c.*%3e                                # <your key>
    | \$\{.* | \$\(.* | \$\d? | \$[a-z_]\w* | \{[a-z_{].* | %[a-z_]\w*%
    | %\(\w+\)s | %[sdrv] | @[a-z_]+@ | !ref.* | \#\{.*
    | \$[\w{(][^:]*:\$[\w{(].*
    | (?:os\.|process\.|import\.meta\.)?env(?:iron)?[.(\[].* | (?:op|vault|secretsmanager|ssm|keyring|gcpsm)://.*
    | arn:aws:(?:secretsmanager|ssm|iam|kms).*
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What a program or a sentence writes in the place of a value.
_STOPGAP = re.compile(
    r"(?:null|none|nil|true|false|undefined|nan|n/a|empty|unset|missing|unknown|default|yes|no|on|off|required|optional"
    r"|string|str|text|bytes?|int(?:eger)?|number|bool(?:ean)?|float|object|any|array|list|dict|password|passwd|secret|token"
    r"|api[ _-]?key|key|hidden|masked|redacted|filtered|removed|withheld|omitted|scrubbed|changeme|todo|tbd|bearer|basic"
    r"|digest|self|this|value|invalid|valid|expired|wrong|incorrect|failed)",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[A-Za-z]?[a-z]*(?:[ _\-./:][A-Za-z]?[a-z]*)*[.:!?,]?|[A-Z]+(?:[ _\-][A-Z]+)*")
_HUMPS = re.compile(r"[A-Za-z]?[a-z]+(?:[A-Z][a-z]+)*")
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_DIGEST = re.compile(r"[0-9a-f]+", re.IGNORECASE)
_NUMBERS = re.compile(r"[\d.,:+\-TZ/ ]+|v?\d+(?:\.\d+)+\S{0,12}")
_LOCATION = re.compile(
    r"(?:[a-z][a-z0-9+.\-]*:/)?/[^\s]*|[A-Za-z]:\\.*|\.{1,2}/.*|[\w.\-]+(?:/[\w.\-]+)+", re.IGNORECASE
)


def goes(value: str, sensitivity: Sensitivity) -> bool:
    """Whether `value`, all of it, has to go under a key of this sensitivity."""
    if sensitivity is Sensitivity.HARMLESS or is_placeholder(value):
        return False
    if sensitivity <= Sensitivity.LIKELY:
        return looks_random(value, ids=sensitivity is Sensitivity.LIKELY)
    return True


def is_placeholder(value: str) -> bool:
    """Whether `value` masks a secret, refers to one, or stands in for one."""
    bare = _bare(value)
    return _REFERENCE.fullmatch(bare) is not None or _STOPGAP.fullmatch(bare) is not None


def is_reference(value: str) -> bool:
    """Whether `value` masks a secret or refers to one."""
    return _REFERENCE.fullmatch(_bare(value)) is not None


def is_plain(value: str) -> bool:
    """Whether `value` consists of words."""
    value = value[:_JUDGED]
    if _PLAIN.fullmatch(value):
        return True
    # CamelCase: words are longer than the humps of a random text.
    return (
        value.isascii()
        and value.isalpha()
        and len(value) >= 3.5 * sum(map(str.isupper, value))
        and bool(_HUMPS.fullmatch(value))
    )


def looks_random(value: str, *, least: int = 12, ids: bool = False) -> bool:
    """Whether `value` looks generated: long enough, of mixed characters; an id only when `ids` may be secret."""
    value = value[:_JUDGED]
    if len(value) < least or value[0] in "{[<(" or is_plain(value) or _NUMBERS.fullmatch(value):
        return False
    if _UUID.fullmatch(value):
        return ids
    if _DIGEST.fullmatch(value):
        return ids and len(value) >= 20
    if any(character.isspace() for character in value):
        return 24 <= len(value) <= 128 and _variety(value) == 4 and value.count(" ") * 8 < len(value)
    return _is_mixed(value) and not (_LOCATION.fullmatch(value) and _variety(value) < 4)


def _bare(value: str) -> str:
    return value[:_JUDGED].strip().strip("\\\"'`").strip()


def _variety(value: str) -> int:
    """How many of the four classes of characters occur."""
    return sum(
        (
            any("a" <= c <= "z" for c in value),
            any("A" <= c <= "Z" for c in value),
            any("0" <= c <= "9" for c in value),
            any(not c.isalnum() and not c.isspace() for c in value),
        )
    )


def _is_mixed(value: str) -> bool:
    letters = sum(c.isalpha() for c in value)
    digits = sum("0" <= c <= "9" for c in value)
    upper = sum("A" <= c <= "Z" for c in value)
    if digits:
        return letters > 0 and (digits >= 2 or upper >= 2)
    return letters >= 16 and 3 <= upper <= letters - 3
