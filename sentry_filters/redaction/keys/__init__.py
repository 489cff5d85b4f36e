"""Which keys hold secrets."""

from sentry_filters.redaction.keys import words
from sentry_filters.redaction.keys.content import CONTENT_KEY
from sentry_filters.redaction.keys.judge import KeyJudge, Sensitivity, split_words
from sentry_filters.redaction.keys.words import ABOUT, NAMING, NEUTRAL, VALUING

__all__ = [
    "ABOUT",
    "CONTENT_KEY",
    "NAMING",
    "NEUTRAL",
    "VALUING",
    "KeyJudge",
    "Sensitivity",
    "split_words",
    "words",
]
