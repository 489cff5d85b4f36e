"""What differs between the decisions of two policies: counted by reasons, with a few redacted examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from sentry_filters.redaction import WITHHELD, Redactor

_LONGEST = 200  # characters of an example's text
_MOST_NAMED = 20  # broken places; the rest is only counted

Kind = Literal["newly_dropped", "newly_kept", "cannot_tell", "other_reason", "unchanged"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy decides about one report.

    Args:
        verdict: `drop` (or demote), `keep`, or `cannot_tell` where the evidence was not recorded.
        reason: The verdict's code; of `cannot_tell`, the policy's field that the missing evidence is for.
    """

    verdict: Literal["drop", "keep", "cannot_tell"]
    reason: str

    def __str__(self) -> str:
        return f"{self.verdict.replace('_', ' ')}: {self.reason}"


@dataclass(slots=True)
class Change:
    """Reports that both policies decide alike.

    Args:
        old: What the old policy decides.
        new: What the new one would.
        count: How many reports.
        examples: The first of them, redacted.
    """

    old: Outcome
    new: Outcome
    count: int = 0
    examples: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        """What it means for who reads Sentry."""
        return kind_of(self.old, self.new)


def kind_of(old: Outcome, new: Outcome) -> Kind:
    """Say what becomes of a report for which the outcome `old` becomes `new`."""
    if new.verdict == "cannot_tell":
        return "cannot_tell"
    if old.verdict != new.verdict:
        return "newly_dropped" if new.verdict == "drop" else "newly_kept"
    return "unchanged" if old == new else "other_reason"


_ORDER: tuple[Kind, ...] = ("newly_dropped", "newly_kept", "cannot_tell", "other_reason")


class Difference:
    """Counts what differs. It grows with the number of reasons, never with that of reports.

    Args:
        redactor: The new policy's; every example goes through it.
        examples: How many examples to keep of each change.
    """

    def __init__(self, redactor: Redactor, examples: int) -> None:
        self._redactor = redactor
        self._most = examples
        self._changes: dict[tuple[Outcome, Outcome], Change] = {}
        self.judged = 0
        self.skipped: dict[str, int] = {}
        self.broken = 0
        self.broken_places: list[str] = []

    def add(self, old: Outcome, new: Outcome, example: Callable[[], Mapping[str, object]]) -> None:
        """Count one report.

        Args:
            old: What the old policy decides about it.
            new: What the new one would.
            example: Returns what shows a person which report it is; None values are left out.
        """
        self.judged += 1
        if kind_of(old, new) == "unchanged":
            return
        change = self._changes.setdefault((old, new), Change(old, new))
        change.count += 1
        if len(change.examples) < self._most:
            change.examples.append(self._redacted(example()))

    def skip(self, what: str) -> None:
        """Count what is not judged, by what it is."""
        self.skipped[what] = self.skipped.get(what, 0) + 1

    def note_broken(self, place: str, why: str) -> None:
        """Count what cannot be read, and name the first places."""
        self.broken += 1
        if len(self.broken_places) < _MOST_NAMED:
            self.broken_places.append(f"{place}: {why}")

    @property
    def changes(self) -> Iterable[Change]:
        """All that differs: first what would be newly dropped, of each kind the most frequent first."""
        return sorted(
            self._changes.values(),
            key=lambda one: (_ORDER.index(one.kind), -one.count, str(one.old), str(one.new)),
        )

    @property
    def unchanged(self) -> int:
        """How many reports are decided as before, for the same reason."""
        return self.judged - sum(change.count for change in self._changes.values())

    def _redacted(self, example: Mapping[str, object]) -> Mapping[str, str]:
        known = {name: str(value) for name, value in example.items() if value not in (None, "")}
        try:
            redacted = cast("dict[str, str]", self._redactor.redact_value(known))  # texts come back as texts
            return {name: text[:_LONGEST] for name, text in redacted.items()}
        except Exception:  # noqa: BLE001 - fail closed: the example is withheld, its report counts
            return {"place": known.get("place", ""), "text": WITHHELD}
