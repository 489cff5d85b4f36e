"""Which keys indicate secrets."""

from sentry_filters.redaction.keys import words
from sentry_filters.redaction.keys.judge import KeyJudge, Sensitivity, split_words

__all__ = ["KeyJudge", "Sensitivity", "split_words", "words"]
