"""The application's own `before_send`, which sometimes misbehaves."""

from __future__ import annotations

import random
import re
from typing import Any

from tests.torture.chaos import InjectedError
from tests.torture.reports import Report

_MARK = re.compile(r"\b[UT]\d+-\d+-end")
_LOOKED_AT = 300
_ODD = 0.06


class OwnHooks:
    """A hook that mostly returns its event, and now and then raises, drops it, or returns odd things.

    If it raises, the SDK loses the event and reports that, with or without a guard.

    Args:
        report: Where it notes what it dropped.
        chance: Decides how it behaves.
    """

    def __init__(self, report: Report, chance: random.Random) -> None:
        self._report = report
        self._chance = chance

    def before_send(self, event: Any, hint: Any) -> Any:
        """Behave as an application's hook may."""
        mark = _mark_of(event)
        mood = self._chance.random()
        if mark is None or mood > _ODD:
            event.setdefault("tags", {})
            return event
        if mood > _ODD * 0.5:
            # Odd `contexts` the SDK looks into itself, unguarded, and raises into the application.
            name = self._chance.choice(("tags", "extra", "fingerprint"))
            self._report.faults["hook returns odd things"] += 1
            return {**event, name: self._chance.choice((None, [["a", "b"]], {"odd": object()}, 7))}
        self._report.taken.append(mark)
        if mood > _ODD * 0.25:
            self._report.faults["hook keeps back"] += 1
            return None
        self._report.faults["hook raises"] += 1
        raise InjectedError(mark)


def _mark_of(event: Any) -> str | None:
    said = [event.get("message"), (event.get("logentry") or {}).get("message")]
    said += [one.get("value") for one in (event.get("exception") or {}).get("values", ())]
    found = [_MARK.search(text[:_LOOKED_AT]) for text in said if isinstance(text, str)]
    return next((match.group() for match in found if match), None)
