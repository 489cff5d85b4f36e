"""Why a report is kept or dropped, step by step, as people and scripts read it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

_WIDTH = 100
_INDENT = 10


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a decision.

    Args:
        name: `report`, `evidence`, `status`, `veto`, `backend`, `grade`, `session` or `verdict`.
        text: What it found, in a sentence.
        facts: What it found, as short texts; the evidence has them.
    """

    name: str
    text: str
    facts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        hanging = " " * _INDENT
        yield textwrap.fill(
            self.text, _WIDTH, initial_indent=f"{self.name:{_INDENT}}", subsequent_indent=hanging
        )
        for fact in self.facts:
            yield textwrap.fill(fact, _WIDTH, initial_indent=f"{hanging}- ", subsequent_indent=f"{hanging}  ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a report would be kept or dropped if it were decided now; `str` is for people.

    It holds labels, hosts, statuses and sentences, redacted; no message, body or credential.

    Args:
        verdict: `keep` or `drop`.
        reason: The code that the counters and the ledger would have.
        backend: `Policy.provider` of the backend whose policy decides.
        grade: How good the evidence is, `fact`, `statement` or `words`; None where it is not recognised.
        confirmed: Whether a response of one of the policy's hosts says so.
        tag: The value of the tag `session_expired` under which Sentry keeps it although it is recognised:
            `unhandled`, `old_credential`; else None.
        is_shadow: Whether it would be dropped, and shadow mode alone keeps it.
        steps: How it came to that, in order; the last but one decided where it is kept.
    """

    verdict: Literal["keep", "drop"]
    reason: str
    backend: str
    grade: Literal["fact", "statement", "words"] | None = None
    confirmed: bool = False
    tag: str | None = None
    is_shadow: bool = False
    steps: tuple[Step, ...] = ()

    @property
    def drop(self) -> bool:
        """Whether it would be dropped."""
        return self.verdict == "drop"

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join([f"{self.verdict}: {self.reason}", *map(str, self.steps)])
