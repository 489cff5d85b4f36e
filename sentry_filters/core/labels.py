"""What others wrote into tags, as labels for the audit: short, and without secrets."""

from __future__ import annotations

from typing import Protocol

_LONGEST = 200
_HEX = frozenset("0123456789abcdef")
_WITHHELD = "[WITHHELD]"


class RedactsText(Protocol):
    """The redactor, as far as the core needs it."""

    def redact(self, text: str) -> str:
        """Return `text` without secrets."""


class Labels:
    """Makes labels; what cannot be redacted is withheld. Never raises.

    Args:
        redactor: Cleans what is not known to be clean.
        known: Labels that are clean, since they stand in the policy.
    """

    def __init__(self, redactor: RedactsText, known: frozenset[str]) -> None:
        self._redactor = redactor
        self._known = known

    def of(self, text: str | None) -> str | None:
        """Return a tag's value as a label."""
        if text is None or text in self._known:
            return text
        try:
            redacted = self._redactor.redact(text)
        except Exception:  # noqa: BLE001 - fail closed: the label is withheld, its record goes on
            return _WITHHELD
        return redacted[:_LONGEST].encode("utf-8", "replace").decode()

    def of_id(self, text: str | None) -> str | None:
        """Return an id; one that is no hex digits is a text like any other."""
        # Every failure may have a trace of its own, and hex digits need no look.
        if text is None or (len(text) <= 32 and _HEX.issuperset(text)):
            return text
        return self.of(text)
