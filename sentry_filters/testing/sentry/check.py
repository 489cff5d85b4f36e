"""The check of one Sentry client, and of those beside it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import cast

import sentry_sdk
from sentry_sdk.client import BaseClient, NonRecordingClient
from sentry_sdk.transport import Transport

from sentry_filters.evidence import conventions
from sentry_filters.guard import SessionGuard, parts_of
from sentry_filters.sentry import GuardedTransport
from sentry_filters.testing.canaries import Canaries
from sentry_filters.testing.rehearsal import Rehearsal
from sentry_filters.testing.report import CheckedPath, Outcome
from sentry_filters.testing.sentry.probes import OUTGOING, PROBES, Probe, outgoing_headers
from sentry_filters.testing.sentry.stand_in import SentryRehearsal, printer_behind

_THIRD_PARTY = "sentry-filters check"
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
                yield self._propagated()
                yield from self._recognised()
        for client in _other_clients(self._client):
            yield self._beside(client)

    def _ways_out(self) -> Iterator[CheckedPath]:
        transport = self._client.transport
        printed = None if transport is None else printer_behind(transport)
        if printed is not None:
            yield _path("envelope printer", Outcome.BYPASS, _RAW_PRINTER)
        if self._client.spotlight is not None:
            yield _path("spotlight", Outcome.BYPASS, _RAW_SPOTLIGHT)
        if transport is not None:
            yield _way_out("sentry transport", _bypass_of(printed or transport, self._guard))

    def _probed(self, probe: Probe) -> Iterator[CheckedPath]:
        if off := probe.off(self._sentry):
            yield _path(probe.name, Outcome.OFF, off)
            return
        known = set(self._canaries.places)
        self._sentry.captured.clear()
        try:
            probe.send(self._canaries, self._sentry)
        except Exception as error:  # noqa: BLE001 - what breaks here says nothing about the other paths
            yield _path(probe.name, Outcome.FAULT, f"the check raised {type(error).__name__}")
        for place in self._canaries.places:
            if place not in known:
                yield self._judged(place, withheld=probe.withheld)

    def _judged(self, place: str, *, withheld: bool) -> CheckedPath:
        through = {sink for sink, data in self._sentry.captured if place in self._canaries.leaked_in(data)}
        if through:
            return _path(place, Outcome.LEAK, f"through {', '.join(sorted(through))}")
        arrived = any(place in self._canaries.arrived_in(data) for _, data in self._sentry.captured)
        if withheld and not arrived:
            return _path(place, Outcome.CLEAN, "withheld")
        return _covered(place, arrived=arrived)

    def _propagated(self) -> CheckedPath:
        if OUTGOING in self._canaries.leaked_in(outgoing_headers(self._canaries, self._sentry)):
            detail = "no hook sees the transaction's name in it; see trace_propagation_targets"
            return _path(OUTGOING, Outcome.NOT_COVERED, detail)
        return _path(OUTGOING, Outcome.OFF, "nothing of the application's is propagated")

    def _recognised(self) -> Iterator[CheckedPath]:
        # The third party's first: it has no consequences whichever guard is asked, and shows which one is.
        arrived = self._arrives(_THIRD_PARTY)
        asked = [drop for signal, drop in self._decisions.asked if signal == "event"]
        kept = "recognition: a third party's 401 is kept"
        if any(asked):
            yield _path(kept, Outcome.WRONG, "it would be dropped")
        else:
            yield _covered(kept, arrived=arrived)
        dropped = "recognition: your own session's 401 is dropped"
        if not asked:
            yield _path(dropped, Outcome.BYPASS, "the client's before_send does not ask this guard")
        elif self._arrives(self._guard.policy.provider):
            yield _path(dropped, Outcome.WRONG, "it would be reported")
        else:
            yield _covered(dropped, arrived=any(drop for _, drop in self._decisions.asked))

    def _arrives(self, provider: str) -> bool:
        """Report a 401 of this provider, and return whether anything of it would be sent."""
        policy = self._guard.policy
        operation = next(iter(policy.operations), "chat_completions")
        status = next(iter(policy.statuses), conventions.SESSION_STATUSES[0])
        values = (policy.domain, operation, provider, str(status), conventions.FAILED_RESPONSE)
        self._decisions.asked.clear()
        self._sentry.captured.clear()
        with sentry_sdk.new_scope() as scope:
            for name, value in zip(conventions.TAG_NAMES, values, strict=True):
                scope.set_tag(name, value)
            scope.capture_message("a canary of sentry-filters check", level="error")
        return bool(self._sentry.captured)

    def _beside(self, client: BaseClient) -> CheckedPath:
        bypass = "" if client.transport is None else _bypass_of(client.transport, self._guard)
        if client.spotlight is not None:
            bypass = "the SDK hands Spotlight raw envelopes"
        return _way_out("sentry: another client", bypass)


def _path(name: str, outcome: Outcome, detail: str = "") -> CheckedPath:
    return CheckedPath(path=f"sentry {name}", outcome=outcome, detail=detail)


def _covered(name: str, *, arrived: bool) -> CheckedPath:
    if arrived:
        return _path(name, Outcome.CLEAN)
    return _path(name, Outcome.NOT_COVERED, "nothing arrived")


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
