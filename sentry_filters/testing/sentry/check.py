"""The check of one Sentry client, and of those beside it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import cast

import sentry_sdk
from sentry_sdk.client import BaseClient, NonRecordingClient
from sentry_sdk.transport import Transport

from sentry_filters.guard import SessionGuard, parts_of
from sentry_filters.sentry import GuardedTransport
from sentry_filters.testing.canaries import Canaries
from sentry_filters.testing.rehearsal import Rehearsal
from sentry_filters.testing.report import CheckedPath, Outcome
from sentry_filters.testing.sentry.probes import OUTGOING, PROBES, Probe, outgoing_headers
from sentry_filters.testing.sentry.stand_in import SentryRehearsal, printer_behind, raw_spotlight

_RAW_SPOTLIGHT = "the SDK hands it raw envelopes; give `spotlight` to guard.sentry_options()"
_RAW_PRINTER = "SENTRY_PRINT_ENVELOPES came after sentry_options(): raw envelopes are printed"


class SentryCheck:
    """Checks what a client sends.

    Args:
        client: The application's.
        guard: What everything should pass.
        canaries: What is sent.
        rehearsal: Held while this runs.
    """

    def __init__(
        self, client: BaseClient, guard: SessionGuard, canaries: Canaries, rehearsal: Rehearsal
    ) -> None:
        self._guard = guard
        self._client = client
        self._canaries = canaries
        self._trial = rehearsal.trial("sentry", canaries)
        self._sentry = SentryRehearsal(client, self._trial.captured)

    def paths(self) -> Iterator[CheckedPath]:
        """Check everything, and yield each path with what is known about it."""
        if _can_send(self._client):
            yield from self._ways_out()
            with self._sentry.as_current():
                for probe in PROBES:
                    yield from self._probed(probe)
                yield self._propagated()
                yield from self._recognised()
        else:
            detail = "the client has no DSN" if self._client.is_active() else "there is no client"
            yield CheckedPath(path="sentry", outcome=Outcome.OFF, detail=detail)
        for client in _other_clients(self._client):
            yield self._beside(client)

    def _ways_out(self) -> Iterator[CheckedPath]:
        transport = self._client.transport
        printed = None if transport is None else printer_behind(transport)
        if printed is not None:
            yield self._trial.path("envelope printer", Outcome.BYPASS, _RAW_PRINTER)
        if raw_spotlight(self._client) is not None:
            yield self._trial.path("spotlight", Outcome.BYPASS, _RAW_SPOTLIGHT)
        if transport is not None:
            yield _way_out("sentry transport", _bypass_of(printed or transport, self._guard))

    def _probed(self, probe: Probe) -> Iterator[CheckedPath]:
        if off := probe.off(self._sentry):
            yield self._trial.path(probe.name, Outcome.OFF, off)
            return
        yield from self._trial.sent(probe.name, lambda: probe.send(self._canaries, self._sentry))
        yield from self._trial.places(withheld=probe.withheld)

    def _propagated(self) -> CheckedPath:
        headers = outgoing_headers(self._canaries, self._sentry)
        if OUTGOING in self._canaries.leaked_in(headers):
            detail = "nothing redacts the transaction's name in it; see trace_propagation_targets"
            return self._trial.path(OUTGOING, Outcome.NOT_COVERED, detail)
        if OUTGOING in self._canaries.arrived_in(headers):
            return self._trial.path(OUTGOING, Outcome.CLEAN)
        return self._trial.path(OUTGOING, Outcome.OFF, "nothing of the application's is propagated")

    def _recognised(self) -> Iterator[CheckedPath]:
        # The third party's comes first: it shows whether this guard is asked.
        yield self._trial.keeps_others("recognition", "event", _report)
        bypass = Outcome.BYPASS, "the client's before_send does not ask this guard"
        untried = None if self._trial.asked_about("event") else bypass
        yield self._trial.drops_own("recognition", _report, untried=untried, wrong="it would be reported")

    def _beside(self, client: BaseClient) -> CheckedPath:
        bypass = "" if client.transport is None else _bypass_of(client.transport, self._guard)
        if raw_spotlight(client) is not None:
            bypass = "the SDK hands Spotlight raw envelopes"
        return _way_out("sentry: another client", bypass)


def _report(tags: dict[str, str]) -> None:
    with sentry_sdk.new_scope() as scope:
        scope.set_tags(tags)
        scope.capture_message("a canary of sentry-filters check", level="error")


def _way_out(path: str, bypass: str) -> CheckedPath:
    outcome = Outcome.BYPASS if bypass else Outcome.CLEAN
    return CheckedPath(path=path, outcome=outcome, detail=bypass or "behind the guard")


def _bypass_of(transport: Transport, guard: SessionGuard) -> str:
    """Return how `transport` bypasses `guard`; nothing where it is behind it."""
    kind = type(transport)
    if not issubclass(kind, GuardedTransport):
        return f"{kind.__name__} is not behind the guard; pass the options of guard.sentry_options()"
    if not cast("GuardedTransport", transport).is_behind(parts_of(guard).boundary):
        return "it is behind another guard"
    return ""


def _other_clients(client: BaseClient) -> list[BaseClient]:
    """Return the other clients of this process that could send something, in whatever scope they are."""
    found = _clients_but(client)
    if found:
        found.clear()
        gc.collect()  # one that a second init() has replaced is only waiting for this
        found = _clients_but(client)
    return found


def _clients_but(client: BaseClient) -> list[BaseClient]:
    # By their real types: an isinstance over all objects would wake lazy ones up.
    return [
        one
        for kind in _kinds(BaseClient)
        for one in gc.get_referrers(kind)
        if type(one) is kind and one is not client and _can_send(one)
    ]


def _kinds(kind: type[BaseClient]) -> list[type[BaseClient]]:
    below = [deeper for sub in kind.__subclasses__() for deeper in _kinds(sub)]
    return [one for one in (kind, *below) if not issubclass(one, NonRecordingClient)]


def _can_send(client: BaseClient) -> bool:
    return client.transport is not None or client.spotlight is not None
