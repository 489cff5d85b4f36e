"""The check of one Sentry client, and of those beside it."""

from __future__ import annotations

from collections.abc import Iterator

import sentry_sdk
from sentry_sdk.client import BaseClient

from sentry_filters.guard import SessionGuard
from sentry_filters.testing.canaries import Canaries
from sentry_filters.testing.rehearsal import Rehearsal
from sentry_filters.testing.report import CheckedPath, Outcome
from sentry_filters.testing.sentry.clients import bypass_of, other_clients
from sentry_filters.testing.sentry.probes import OUTGOING, PROBES, Probe, outgoing_headers
from sentry_filters.testing.sentry.stand_in import SentryRehearsal, printer_behind

__all__ = ["SentryCheck"]

_THIRD_PARTY = "sentry-filters check"


class SentryCheck:
    """Checks what a client sends.

    Args:
        guard: That should stand before everything.
        client: The application's.
        canaries: What is sent.
        rehearsal: Held while this runs.
    """

    def __init__(
        self, guard: SessionGuard, client: BaseClient, canaries: Canaries, rehearsal: Rehearsal
    ) -> None:
        self._guard = guard
        self._client = client
        self._canaries = canaries
        self._decisions = rehearsal
        self._sentry = SentryRehearsal(client)

    def paths(self) -> Iterator[CheckedPath]:
        """Check everything, and yield each path with what is known about it."""
        if self._client.transport is None and self._client.spotlight is None:
            detail = "there is no client" if not self._client.is_active() else "the client has no DSN"
            yield CheckedPath(path="sentry", outcome=Outcome.OFF, detail=detail)
        else:
            yield from self._ways_out()
            with self._sentry.as_current():
                for probe in PROBES:
                    yield from self._probed(probe)
                yield from self._propagated()
                yield from self._recognised()
        for client in other_clients(self._client):
            yield self._beside(client)

    def _ways_out(self) -> Iterator[CheckedPath]:
        transport = self._client.transport
        printed = None if transport is None else printer_behind(transport)
        if printed is not None:
            detail = "SENTRY_PRINT_ENVELOPES came after sentry_options(): raw envelopes are printed"
            yield CheckedPath(path="sentry envelope printer", outcome=Outcome.BYPASS, detail=detail)
        if self._client.spotlight is not None:
            detail = "the SDK hands it raw envelopes; give `spotlight` to guard.sentry_options()"
            yield CheckedPath(path="sentry spotlight", outcome=Outcome.BYPASS, detail=detail)
        if transport is not None:
            yield _judged_way("sentry transport", bypass_of(printed or transport, self._guard))

    def _probed(self, probe: Probe) -> Iterator[CheckedPath]:
        off = probe.off(self._client.options, self._sentry)
        if off:
            yield CheckedPath(path=f"sentry {probe.name}", outcome=Outcome.OFF, detail=off)
            return
        known = set(self._canaries.places)
        self._sentry.captured.clear()
        try:
            probe.send(self._canaries, self._sentry)
        except Exception as error:  # noqa: BLE001 - what breaks here says nothing about the other paths
            detail = f"the check raised {type(error).__name__}"
            yield CheckedPath(path=f"sentry {probe.name}", outcome=Outcome.FAULT, detail=detail)
        for place in self._canaries.places:
            if place not in known:
                yield self._judged(place, withheld=probe.withheld)

    def _judged(self, place: str, *, withheld: bool) -> CheckedPath:
        path = f"sentry {place}"
        through = [sink for sink, data in self._sentry.captured if place in self._canaries.leaked_in(data)]
        if through:
            detail = "through " + ", ".join(sorted(set(through)))
            return CheckedPath(path=path, outcome=Outcome.LEAK, detail=detail)
        if any(place in self._canaries.arrived_in(data) for _, data in self._sentry.captured):
            return CheckedPath(path=path, outcome=Outcome.CLEAN)
        if withheld:
            return CheckedPath(path=path, outcome=Outcome.CLEAN, detail="withheld")
        return CheckedPath(path=path, outcome=Outcome.NOT_COVERED, detail="nothing arrived")

    def _propagated(self) -> Iterator[CheckedPath]:
        headers = outgoing_headers(self._canaries, self._sentry)
        path = f"sentry {OUTGOING}"
        if OUTGOING in self._canaries.leaked_in(headers):
            detail = "no hook sees the transaction's name in it; see trace_propagation_targets"
            yield CheckedPath(path=path, outcome=Outcome.NOT_COVERED, detail=detail)
        else:
            detail = "nothing of the application's is propagated"
            yield CheckedPath(path=path, outcome=Outcome.OFF, detail=detail)

    def _recognised(self) -> Iterator[CheckedPath]:
        # The third party's first: it has no consequences whichever guard is asked, and tells which one is.
        self._decisions.asked.clear()
        kept = self._arrives(_THIRD_PARTY)
        asked = [drop for signal, drop in self._decisions.asked if signal == "event"]
        path = "sentry recognition: a third party's 401 is kept"
        if any(asked):
            yield CheckedPath(path=path, outcome=Outcome.WRONG, detail="it would be dropped")
        elif kept:
            yield CheckedPath(path=path, outcome=Outcome.CLEAN)
        else:
            yield CheckedPath(path=path, outcome=Outcome.NOT_COVERED, detail="nothing arrived")
        path = "sentry recognition: your own session's 401 is dropped"
        if not asked:
            detail = "the client's before_send does not ask this guard"
            yield CheckedPath(path=path, outcome=Outcome.BYPASS, detail=detail)
            return
        self._decisions.asked.clear()
        if self._arrives(self._guard.policy.provider):
            yield CheckedPath(path=path, outcome=Outcome.WRONG, detail="it would be reported")
        elif any(drop for _, drop in self._decisions.asked):
            yield CheckedPath(path=path, outcome=Outcome.CLEAN)
        else:
            yield CheckedPath(path=path, outcome=Outcome.NOT_COVERED, detail="nothing arrived")

    def _arrives(self, provider: str) -> bool:
        policy = self._guard.policy
        self._sentry.captured.clear()
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("domain", policy.domain)
            scope.set_tag("operation", next(iter(policy.operations), "chat_completions"))
            scope.set_tag("provider", provider)
            scope.set_tag("status", str(next(iter(policy.statuses), 401)))
            scope.set_tag("failure", "non_2xx")
            scope.capture_message("a canary of sentry-filters check", level="error")
        return bool(self._sentry.captured)

    def _beside(self, client: BaseClient) -> CheckedPath:
        path = "sentry: another client"
        bypass = "" if client.transport is None else bypass_of(client.transport, self._guard)
        if client.spotlight is not None:
            bypass = "the SDK hands Spotlight raw envelopes"
        return _judged_way(path, bypass)


def _judged_way(path: str, bypass: str) -> CheckedPath:
    outcome = Outcome.BYPASS if bypass else Outcome.CLEAN
    return CheckedPath(path=path, outcome=outcome, detail=bypass or "behind the guard")
