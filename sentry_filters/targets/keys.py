"""Secrets by their keys, as patterns: as much of the redactor's judgement of words as an expression can hold.

Anchored: `password` is a key, `password_hint` another one, and `max_tokens` counts. What needs a look at the
value (a bare `token`, `key` or `session`) is left to the Python filter.
"""

from __future__ import annotations

from sentry_filters.core import Policy
from sentry_filters.redaction.catalogue import Kind
from sentry_filters.redaction.keys import split_words
from sentry_filters.redaction.keys import words as key_words

# Words before `token`: a credential, not a piece of text.
_TOKENS = (
    "access", "api", "auth", "bearer", "bot", "client", "csrf", "id", "oauth", "personal", "private",
    "refresh", "secret", "service", "session", "user", "webhook", "xsrf",
)  # fmt: skip
# Names of headers whose whole value is removed here.
_HEADERS = ("authorization", "cookie", "cookies", "setcookie")
_SEPARATOR = "[_. -]?"
# Words after which the value is still the secret.
_TAILS = "|".join(sorted(key_words.NEUTRAL))
# Secret at the end of any word that was written together; shorter ones (`pat`, `otp`) are the end of others.
_ENDINGS = tuple(word for word in key_words.SECRET_ENDINGS if word != "token" and len(word) >= 5)


def key_patterns(policy: Policy) -> tuple[str, ...]:
    """Return anchored patterns of keys whose value is secret, whatever it is; in any dialect.

    Args:
        policy: Its `secret_keys` are among them. Its `kept_keys` are not taken out: no expression can.
    """
    words = _alternatives(policy, _ENDINGS)
    tail = f"[0-9]*(?:[_.-]+(?:{_TAILS}|[0-9]+))*"
    humps = "|".join(f"{word[:1].upper()}{word[1:]}" for word in _ENDINGS)
    keyed = "|".join(f"{word.capitalize()}Keys?" for word in sorted(key_words.STRENGTHENING))
    tokens = "|".join(f"{word.capitalize()}Token" for word in _TOKENS)
    return (
        f"(?i)^(?:[a-z0-9_.:/-]*[_.:/-])?(?:{words}){tail}$",
        f"^[A-Za-z0-9_.:/-]*[a-z0-9](?:{humps}|{keyed}|{tokens})$",  # camelCase
    )


def assignment_kind(policy: Policy) -> Kind:
    """Return the kind of a value after such a key in a text: `api_key=…`, `"password": "…"`.

    Only values of eight characters and more, with a letter and a digit, and no punctuation of code.
    """
    value = r"[^\s\"'\\,;&<>(){}\[\]$*]"
    mixed = f"(?:[A-Za-z_+/=.~!@#%^-]{value}*[0-9]|[0-9]{value}*[A-Za-z]){value}{{6,}}"
    quote = r"(?:\\*[\"'])?"
    # Any token: a count has no letters, and the value decides more than in a key alone.
    named = _alternatives(policy, (*_ENDINGS, "token"))
    words = f"(?i:(?:{named})[0-9]*(?:[_.-](?:{_TAILS}))*)"  # words before it end in a boundary
    sign = r"[ \t]*(?:=>|:=|=|:|%3[dD])[ \t]*"
    return Kind("assignment", f"{words}{quote}{sign}{quote}({mixed})", "", "a value behind a secret key")


def _alternatives(policy: Policy, endings: tuple[str, ...]) -> str:
    """Return the words that are secret keys, `endings` also at the end of any word."""
    own = tuple(_SEPARATOR.join(split_words(key)) for key in sorted(policy.secret_keys))
    words = {*key_words.PASSWORDS, *key_words.SECRETS, *_HEADERS}
    plain = sorted(word for word in words if not word.endswith(endings))
    return "|".join(
        (
            *own,
            *plain,
            "set[-_]cookie",
            f"[a-z0-9]*(?:{'|'.join(endings)})",
            f"(?:{'|'.join(sorted(key_words.STRENGTHENING))}){_SEPARATOR}keys?",
            f"(?:{'|'.join(_TOKENS)}){_SEPARATOR}token",
        )
    )
