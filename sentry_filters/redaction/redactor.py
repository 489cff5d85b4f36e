"""The redactor: the one object that the edges of the package hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .keys import KeyJudge, Sensitivity
from .kinds import Kind
from .live import LiveCredentials
from .marks import REDACTED, WITHHELD
from .plausible import goes
from .text import TextPass

__all__ = ["Finding", "Redactor", "Scrubbed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a secret was, for Sentry's `_meta` and for explanations; never the secret."""

    path: tuple[str | int, ...]
    kind: str
    start: int
    end: int
    original_length: int


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A redacted copy, and what was removed from it."""

    value: object
    findings: tuple[Finding, ...]


class Redactor:
    """Removes secrets from whatever is about to leave the process.

    Nothing raises after construction, whatever the input: what cannot be looked into is replaced by
    `[WITHHELD]`. What holds no secret comes back as the identical object.
    """

    def __init__(
        self,
        *,
        kinds: Iterable[Kind] = (),
        keys: Iterable[str] = (),
        kept_keys: Iterable[str] = (),
        redact_content: bool = False,
    ) -> None:
        self._judge = KeyJudge(keys=keys, kept=kept_keys)
        self._live = LiveCredentials()
        self._text = TextPass(tuple(kinds), self._judge, self._live)
        self._redact_content = redact_content

    def register(self, value: str | bytes) -> None:
        """Remove this credential too, from now on and for a while."""
        self._live.register(value)

    def redact(self, text: str) -> str:
        """`text` without secrets."""
        try:
            data = text.encode("utf-8", "surrogatepass")
            clean = self._text.redact(data)
            return text if clean is data else clean.decode("utf-8", "surrogatepass")
        except Exception:  # noqa: BLE001 - fail closed, whatever it was
            return WITHHELD

    def redact_bytes(self, data: bytes) -> bytes:
        """`data` without secrets."""
        try:
            return self._text.redact(data)
        except Exception:  # noqa: BLE001 - fail closed, whatever it was
            return WITHHELD.encode()

    def redact_value(self, value: object) -> object:
        """A copy of `value` without secrets."""
        try:
            return self._walk(value, 0)
        except Exception:  # noqa: BLE001 - fail closed, whatever it was
            return WITHHELD

    def _walk(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, bytes):
            return self.redact_bytes(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth > 100:
            return WITHHELD
        if isinstance(value, dict):
            changed = {}
            for key, item in value.items():
                s = self._judge(key) if isinstance(key, str) else Sensitivity.HARMLESS
                if s is not Sensitivity.HARMLESS and isinstance(item, str) and goes(item, s):
                    changed[key] = REDACTED
                else:
                    changed[key] = self._walk(item, depth + 1)
            return changed if any(changed[k] is not value[k] for k in changed) else value
        if isinstance(value, list | tuple):
            items = [self._walk(item, depth + 1) for item in value]
            if all(a is b for a, b in zip(items, value, strict=True)):
                return value
            return type(value)(items)
        return WITHHELD

    def is_clean(self, serialised: bytes | str) -> bool:
        """Whether this serialised JSON certainly holds nothing that `redact_value` would change."""
        return False

    def scrub(self, value: object) -> Scrubbed:
        """`redact_value`, with an account of what was removed."""
        return Scrubbed(self.redact_value(value), ())

    def meta(self, findings: Iterable[Finding]) -> dict[str, object]:
        """The findings as Sentry's own `_meta` tree."""
        return {}
