"""One application beside its model: what is done to both, and whether they are the same afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sentry_filters import SessionExpired
from tests.machine.model import Fate, Model
from tests.machine.world import CREDENTIALS, Application, Backend, captured_as


class Pair:
    """An application and the model.

    Args:
        ours: The hosted backend.
        third: Another provider.
        scope: `Policy.scope`.
    """

    def __init__(self, ours: Backend, third: Backend, scope: str) -> None:
        self.app = Application(ours, third, scope)
        self.model = Model(scope)
        self.handlers: list[tuple[Any, list[SessionExpired], int]] = []

    def the_gate_is_as_the_model_says(self) -> None:
        gate = self.app.guard.gate
        for name, credential in CREDENTIALS.items():
            assert gate.is_open_for(self.app.guard.fingerprint(credential)) is self.model.is_open(name)
        assert gate.is_open is self.model.is_open(None)

    def each_expiry_was_published_once_to_all_who_listen(self) -> None:
        assert self.app.published == self.model.published
        if not self.handlers:
            return
        assert self.app.guard.bus.flush()
        for _, heard, before in self.handlers:
            assert len(heard) == len({event.id for event in heard}) == self.model.published - before

    def nothing_went_wrong_inside(self) -> None:
        assert self.app.guard.counters.get("faults") == 0
        for violation in ("drop_without_event", "third_party_dropped"):
            assert self.app.guard.counters.get("violations", violation) == 0

    # Steps

    def reported(
        self, act: Callable[[], object], via: str, *, in_span: bool
    ) -> tuple[BaseException | None, Fate]:
        """Let `act` fail, and report what it raises; in a span, which then fails, too."""
        raised: list[BaseException] = []

        def work() -> None:
            with self.app.span() if in_span else suppress(Exception):
                try:
                    act()
                except Exception as error:
                    raised.append(error)
                    captured_as(via, error)
                    raise

        events = self.app.events(work)
        return (raised[0] if raised else None), self.fate(events)

    def begins(self, name: str, answer: str) -> int:
        """Let the backend answer so from now on; return the moment, in which a call begins."""
        self.app.answers(name, answer)
        return self.model.tick()

    def ends(self, name: str, began: int | None) -> Fate:
        """Let the model see an event of a failure of this credential."""
        self.model.spoken_of(name)
        return self.model.fails(name, began, can_show=True)

    def report(self, error: BaseException | str) -> None:
        self.app.guard.report(error, operation="chat", provider="OpenHuman", status=401)

    def the_span(self, in_span: bool, *, failed: bool) -> None:
        """Compare the exported span: the application's own work leaves, with its failure or without."""
        assert self.app.failed_spans() == ([failed] if in_span else [])

    @staticmethod
    def fate(events: list[dict[str, Any]]) -> Fate:
        """Return what became of the one thing that was reported."""
        if not events:
            return Fate.DROPPED
        (event,) = events
        tag = (event.get("tags") or {}).get("session_expired")
        return Fate.KEPT if tag is None else Fate(tag)
