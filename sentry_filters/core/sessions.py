"""The shell around the session's life: locks, clocks, the gate, the bus, the audit, the other processes.

Every part that recognises a failure, signs in or hears from another process asks here: they cannot disagree.
"""

from __future__ import annotations

import logging
import threading
import time

from sentry_filters.core.bus import EventBus
from sentry_filters.core.clocks import begun_at, failed, moment_of, stamp_now
from sentry_filters.core.counters import Fault
from sentry_filters.core.expiries import draft_of, random_id
from sentry_filters.core.foresight import foreseen
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.gatekeeper import GateKeeper
from sentry_filters.core.knowledge import Knowledge
from sentry_filters.core.lifecycle import renewals_of
from sentry_filters.core.misuse import Misuse
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict
from sentry_filters.core.records import AuditTrail, ExpiryRecord, RedactsText, RenewalRecord
from sentry_filters.core.session import Observed, SessionExpired, Standing
from sentry_filters.core.shared import SharedSessions
from sentry_filters.core.states import (
    Adopted,
    Asked,
    Due,
    Elapsed,
    Expiry,
    Published,
    Renewal,
    Renewed,
    Rule,
    Step,
    Succeeded,
)
from sentry_filters.core.telling import Teller
from sentry_filters.evidence import Failure
from sentry_filters.forking import after_fork_in_child

_log = logging.getLogger("sentry_filters")


class Lifecycle:
    """Owns expiring, renewing and adopting. Thread-safe, re-entrant; waits for nothing.

    Args:
        policy: Whose sessions.
        gate: Closed by an expiry, opened by a renewal.
        bus: Carries every expiry that this process publishes.
        trail: Records expiries and renewals, wherever they were found.
        redactor: Cleans the reason; where it raises, the reason is `[REDACTED]`.
        shared: Where other processes hear of an expiry, and where it is settled which one publishes it.
    """

    def __init__(
        self,
        policy: Policy,
        gate: SchedulerGate,
        bus: EventBus,
        trail: AuditTrail,
        redactor: RedactsText,
        shared: SharedSessions | None = None,
    ) -> None:
        self.scope = policy.scope
        self.fault: Fault = trail.fault
        self._known = Knowledge(Rule.of(policy, random_id if shared is None else shared.expiry_id))
        self._keeper = GateKeeper(policy.scope, gate, self._known)
        self._policy = policy
        self._gate = gate
        self._bus = bus
        self._trail = trail
        self._count = trail.counters.add
        self._shared = shared
        announce = None if shared is None else shared.announce
        self._teller = Teller(policy, bus, trail, redactor, self._happened, announce)
        self.unhandled = self._teller.unhandled
        self._misuse = Misuse(self._count)
        # Re-entrant: a signal handler or finalizer may report in the middle of a decision of its own thread.
        self._lock = threading.RLock()
        after_fork_in_child(self._start_afresh)

    # What this process finds

    def observe(self, failure: Failure, verdict: Verdict, *, can_show: bool = False) -> Observed:
        """Return where a recognised failure stands; a session's first closes the gate and is published.

        Args:
            failure: The failure.
            verdict: What was recognised.
            can_show: Whether this report can be shown in Sentry.
        """
        step, draft = self._noted(failure, verdict, can_show=can_show)
        expiry = step.state.running
        if Due.WARN in step.due:
            self._misuse.several()
        if draft is not None and expiry is not None and step.standing is Standing.FIRST:
            self._tell(draft, failure, expiry.after, step.due)
        elif expiry is not None and Due.PUBLISH in step.due:
            self._teller.elapsed(expiry.id, failure.session)
        if expiry is not None and Due.UNRENEWED in step.due:
            self._teller.unrenewed(self._gate.expiry(expiry.id, failure.session), expiry.id)
        return self._observed(failure.session, step, can_show=can_show)

    def corroborates(self, failure: Failure) -> bool:
        """Say whether the session that a failure speaks of is known to be dead: expired, and not renewed."""
        return self._dead(failure) is not None

    def announces(self, failure: Failure) -> bool:
        """Say whether a failure would be its session's end, or a repeat of that; nothing is noted."""
        found = self.foreseen(failure, is_words=False, can_show=False)
        return found.standing in (Standing.FIRST, Standing.REPEAT)

    def foreseen(self, failure: Failure, *, is_words: bool, can_show: bool) -> Observed:
        """Return what `observe`, or of words `corroborated`, would return now; nothing is noted."""
        listens = self._bus.is_listening
        with self._lock:
            return foreseen(self._known, failure, listening=listens, is_words=is_words, can_show=can_show)

    def corroborated(self, failure: Failure, *, can_show: bool = False) -> Observed:
        """Return where a report stands that `corroborates`; it changes nothing."""
        expiry = self._dead(failure)
        return Observed(Standing.REPEAT, expiry, tag=self._tag(expiry, failure.session) if can_show else None)

    def standing_of(self, session: str | None) -> Observed:
        """Return where a failure of this session stands that was observed before; nothing is noted."""
        with self._lock:
            expiry, runs = self._known.expiry_of(session)
        return Observed(Standing.REPEAT if runs else Standing.STALE, expiry)

    def succeeded(self, session: str, began: float) -> None:
        """Note that a call with this credential succeeded. Never raises.

        Args:
            session: Fingerprint of the credential.
            began: When the call began, by `time.monotonic`.
        """
        try:
            with self._lock:
                if not self._known.succeeded(session, began):
                    return
                event = Succeeded(session, began, stamp_now())
                names = dict.fromkeys((session, *self._known.homes(self._teller.waiting)))
                steps = [(name, self._known.apply(name, event)) for name in names]
                for name, step in steps:
                    if Due.RECOVERED in step.due and step.state.session.expiry is not None:
                        self._recovered(name, step.state.session.renewal, step.state.session.expiry)
                if self.scope == "process" and self._policy.mode == "enforce":
                    self._misuse.worked_beside(self._known.latest_running, began)
            if any(Due.WARN in step.due for _, step in steps):
                self._misuse.several()
        except Exception as error:  # noqa: BLE001 - the call that succeeded must not fail by it
            self.fault("succeeded", error)

    def renew(self, session: str | None, replaces: str | None = None) -> None:
        """Note that a sign-in is done: opens the gate, and informs the other processes and the audit.

        Args:
            session: Fingerprint of the new credential, None where it was not named.
            replaces: Fingerprint of the credential in whose place it comes, None where it was not named.
        """
        ended: tuple[str, ...] = ()
        renewals = renewals_of(self.scope, session, replaces)
        with self._lock:
            at = time.monotonic()
            # Later than any before it, also where the clock was set back: renewals are ordered by it.
            stamp = max(stamp_now(), self._known.latest_stamp + 1)
            for name, credential in renewals:
                if self._shared is not None:  # before the gate opens: an expiry adopted now has to be over
                    self._shared.renewed(name, stamp, credential)
                ended += self._keeper.renew(name, Renewal(stamp, at, credential), everyone=name is None)
        self._count("renewals")
        self._trail.write(RenewalRecord(at=time.time(), session=session, expiries=ended))

    def renewing(self, session: str | None, *, pending: bool) -> None:
        """Note that a session's renewal is asked for, which may take long or fail; or that it is answered."""
        with self._lock:
            self._known.renewing(session, pending=pending)

    def publish(self, event: SessionExpired) -> None:
        """Hand an expiry to handlers and observers, and count it; never blocks, never raises."""
        self._teller.publish(event)

    def close(self) -> None:
        """Tell now what waits for the end of a healing window."""
        self._teller.close()

    # What other processes found: see `SharedLife`

    def published_elsewhere(self, event: SessionExpired) -> None:
        """Tell the audit of an expiry that another process published; what was dropped refers to it."""
        self._trail.write(ExpiryRecord(event=event, handled=True))

    def adopt_expiry(self, session: str | None, event: SessionExpired, after: int) -> None:
        """Take over an expiry: its session's failures are repeats now, or stale if it was renewed since."""
        with self._lock:
            # It names the renewal that it followed, which may still be on its way.
            self._known.apply(session, Renewed(Renewal(after, moment_of(after)), everyone=False))
            step = self._known.apply(session, Adopted(event.id, after, time.monotonic()))
            if Due.CLOSE in step.due:
                self._keeper.close(event, session)
            elif step.state.running is None:
                self._keeper.open(session, everyone=False)
        self.published_elsewhere(event)

    def adopt_renewal(
        self, session: str | None, stamp: int, credential: str | None, *, everyone: bool
    ) -> None:
        """Take over a renewal: the gate opens, older failures are stale."""
        with self._lock:
            ended = self._keeper.renew(
                session, Renewal(stamp, moment_of(stamp), credential), everyone=everyone
            )
        if ended:
            self._trail.write(RenewalRecord(at=stamp / 1e6, session=credential or session, expiries=ended))

    def count(self, event: str) -> None:
        """Count what happened between the processes."""
        self._count("shared", event)

    # Consequences

    def _noted(
        self, failure: Failure, verdict: Verdict, *, can_show: bool
    ) -> tuple[Step, SessionExpired | None]:
        """Take note of a failure, and close the gate if that is due, in one: nobody is told in between."""
        name, trace_id = failure.session, failure.trace_id
        with self._lock:
            if self.scope == "session" and name is not None and trace_id is not None:
                self._known.failed_in(trace_id, name)
            step = self._known.apply(name, failed(failure, can_show=can_show))
            expiry = step.state.running
            self._misuse.failed(step)
            # A signal handler may come here between the state's change and the gate's: it closes it, too.
            if expiry is None or (Due.CLOSE not in step.due and self._gate.is_closed_by(expiry.id, name)):
                return step, None
            return step, self._close(failure, verdict, expiry.id)

    def _close(self, failure: Failure, verdict: Verdict, expiry: str) -> SessionExpired:
        try:
            draft = draft_of(failure, verdict, self._policy, expiry)
            self._keeper.close(draft, failure.session)
        except Exception:  # raised again, after it is on record: the gate stays open
            self._count("violations", "drop_without_event")
            raise
        return draft

    def _recovered(self, name: str | None, renewal: Renewal, expiry: Expiry) -> None:
        # Two where it was seen first without a credential.
        for home in dict.fromkeys((name, self._known.home(expiry.id, name))):
            self._known.apply(home, Renewed(renewal, everyone=False))
            if self._shared is not None:  # another may have found it, too, and is still to tell of it
                self._shared.recovered(home, renewal.stamp)
        self._keeper.reopen(expiry.id, name)
        _log.info("a call with the credential of the expired session succeeded: the gate is open again")
        over = RenewalRecord(at=time.time(), session=name, expiries=(expiry.id,), reason="recovered")
        self._trail.write(over)

    def _tell(self, draft: SessionExpired, failure: Failure, after: int, due: tuple[Due, ...]) -> None:
        try:
            event = self._teller.finished(draft, failure)
            self._gate.amend(event)
            if Due.PUBLISH in due or Due.WAIT in due:
                self._teller.tell(event, after, begun_at(failure), later=Due.WAIT in due)
        except Exception:  # raised again: this report is kept, but its repeats will be dropped
            self._count("violations", "drop_without_event")
            raise

    def _happened(self, expiry: str, session: str | None, event: Elapsed | Published) -> Step:
        with self._lock:
            return self._known.apply(self._known.home(expiry, session), event)

    def _observed(self, name: str | None, step: Step, *, can_show: bool) -> Observed:
        if step.standing is None:
            return Observed(None, None, step.reason)
        expiry, runs = self._known.expiry_in(step.state)
        if step.reason is not None:
            self._count("violations", "old_credential_in_use")
            return Observed(step.standing, expiry, step.reason, step.reason if Due.SHOW in step.due else None)
        asked = can_show and runs and step.standing is not Standing.STALE
        return Observed(step.standing, expiry, tag=self._tag(expiry, name) if asked else None)

    def _tag(self, expiry: str | None, name: str | None) -> str | None:
        with self._lock:
            step = self._known.apply(self._known.home(expiry, name), Asked(self._bus.is_listening))
        return "unhandled" if Due.SHOW in step.due else None

    def _dead(self, failure: Failure) -> str | None:
        with self._lock:
            return self._known.dead(failure.session, failure.trace_id)

    def _start_afresh(self) -> None:
        self._lock = threading.RLock()  # another thread of the parent's may hold that one
