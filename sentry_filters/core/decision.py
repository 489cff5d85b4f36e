"""The one act of dropping and emitting: every signal's failures are decided here, and only here."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from sentry_filters.core.bus import EventBus
from sentry_filters.core.counters import Counters
from sentry_filters.core.gate import SchedulerGate
from sentry_filters.core.labels import Labels, RedactsText
from sentry_filters.core.lifecycle import SharedSessions
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import UNRELATED, Verdict, operation_of, recognise
from sentry_filters.core.records import (
    AuditObserver,
    AuditRecord,
    DecisionRecord,
    ExpiryRecord,
    RenewalRecord,
    names_third_party,
)
from sentry_filters.core.session import Observed, SessionExpired, Sessions, Standing
from sentry_filters.evidence import Failure

_log = logging.getLogger("sentry_filters")

_REASON_LENGTH = 200
_REASON_SOURCE_LENGTH = 16_384


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a report.

    Args:
        verdict: Whether it is dropped, and why.
        show: Whether Sentry keeps it all the same, tagged `session_expired=unhandled`: nobody listens, and
            dropping must not hide a dead session.
    """

    verdict: Verdict
    show: bool = False

    @property
    def drop(self) -> bool:
        """Whether the report is dropped."""
        return self.verdict.drop and not self.show


class Decider:
    """Decides failures by a policy and acts on what it finds. Thread-safe; never raises.

    Args:
        policy: The rule.
        sessions: Which expiry is new.
        gate: Closed, before `decide` returns, by the first failure of a session.
        bus: Told of it.
        counters: Where decisions are counted.
        redactor: Cleans the reason; where it raises, the reason is `[REDACTED]`.
        shared: Where other processes hear of an expiry, and where it is settled which one publishes it.
    """

    def __init__(
        self,
        policy: Policy,
        sessions: Sessions,
        gate: SchedulerGate,
        bus: EventBus,
        counters: Counters,
        redactor: RedactsText,
        *,
        shared: SharedSessions | None = None,
    ) -> None:
        self._policy = policy
        self._sessions = sessions
        self._gate = gate
        self._bus = bus
        self._counters = counters
        self._redactor = redactor
        self._shared = shared
        self._labels = Labels(redactor, frozenset((policy.provider, policy.domain, *policy.operations)))
        self._observers: tuple[AuditObserver, ...] = ()
        self._warned = False

    def observe(self, observer: AuditObserver) -> None:
        """Hand every decision about a failure, every expiry and every renewal to `observer`, as it happens.

        It is called on the thread that decides and must return at once; what it raises is counted as a fault
        and goes no further.
        """
        self._observers = (*self._observers, observer)

    def decide(
        self,
        signal: str,
        failures: Sequence[Failure],
        *,
        can_show: bool = False,
        demotes: bool = False,
    ) -> Decision:
        """Decide about one report, and publish and close the gate where it is a session's first failure.

        Args:
            signal: What kind of report it is.
            failures: What it says; more than one where an exception group reports several. All of them
                have to be our expired session.
            can_show: Whether this signal can show a dead session to a person where nobody listens.
            demotes: Whether the report stays without the marks of the failure, instead of being dropped.

        Returns:
            The decision; a fault of our own keeps the report.
        """
        try:
            verdicts = [recognise(failure, self._policy) for failure in failures]
            verdict = next((one for one in verdicts if not one.drop), verdicts[0] if verdicts else UNRELATED)
            if not verdict.drop:
                self.note(signal, "keep", verdict.reason, failures[0] if failures else None)
                return Decision(verdict)
            best_known = max(failures, key=_knowledge)
            became = "demote" if demotes else "drop"
            return self._expired(signal, best_known, verdict, became, can_show=can_show)
        except Exception as error:  # noqa: BLE001 - a fault of ours neither drops a report nor reaches the app
            self.fault("decide", error)
            return Decision(Verdict(drop=False, reason="fault"))

    def note(
        self,
        signal: str,
        verdict: str,
        reason: str,
        failure: Failure | None,
        observed: Observed | None = None,
    ) -> None:
        """Count a decision, and tell the observers where it is about a failure."""
        self._counters.add("decisions", signal, verdict, reason)
        if failure is None or reason == UNRELATED.reason:
            return
        third_party = names_third_party(failure, self._policy)
        if third_party and verdict != "keep":
            self._counters.add("violations", "third_party_dropped")
        if self._observers:
            self._tell(self._record(signal, verdict, reason, failure, observed, third_party=third_party))

    def renewed(self, session: str | None, expiries: tuple[str, ...]) -> None:
        """Count a renewal, and tell the observers.

        Args:
            session: Fingerprint of the new credential, None where it was not named.
            expiries: Ids of the expiries that it ended.
        """
        self._counters.add("renewals")
        self._tell(RenewalRecord(at=time.time(), session=session, expiries=expiries))

    def fault(self, place: str, error: BaseException) -> None:
        """Count a fault of our own and log the first one at WARNING, without its message or payload."""
        self._counters.add("faults", place)
        if not self._warned:
            self._warned = True
            _log.warning("sentry-filters: %s raised %s; counted, not raised", place, type(error).__name__)

    def _tell(self, record: AuditRecord) -> None:
        for observer in self._observers:
            try:
                observer(record)
            except Exception as error:  # noqa: BLE001 - an audit that fails must not change what it watches
                self.fault("audit", error)

    def _expired(
        self, signal: str, failure: Failure, verdict: Verdict, became: str, *, can_show: bool
    ) -> Decision:
        response = failure.response
        session = None if response is None else response.session
        observed = self._sessions.observe(
            session,
            started_at=None if response is None else response.started_at,
            at=failure.at,
        )
        if observed.standing is Standing.FIRST:
            try:
                self._announce(failure, verdict, session, observed.expiry)
            except Exception:  # raised again: this report is kept, but its repeats will be dropped
                self._counters.add("violations", "drop_without_event")
                raise
        unhandled = can_show and observed.standing is not Standing.STALE and not self._bus.is_listening
        show = unhandled and self._sessions.show_once(session)
        self.note(
            signal, "keep" if show else became, "unhandled" if show else verdict.reason, failure, observed
        )
        return Decision(verdict, show=show)

    def _announce(self, failure: Failure, verdict: Verdict, session: str | None, expiry: str | None) -> None:
        event = SessionExpired(
            source=self._policy.source,
            reason=self._reason(failure),
            provider=self._policy.provider,
            operation=self._labels.of(operation_of(failure, self._policy)) or "unknown",
            status=_status(failure),
            session=session,
            confirmed=verdict.confirmed,
            at=datetime.now(UTC),
            trace_id=self._labels.of_id(failure.trace_id),
            id=expiry or "",
        )
        self._gate.close(event)
        if self._shared is None:
            self.publish(event)
        else:
            self._shared.announce(event, _begun_at(failure))

    def publish(self, event: SessionExpired) -> None:
        """Hand an expiry to handlers and observers, and count it; never blocks, never raises."""
        handled = self._bus.is_listening
        self._counters.add("session_expired", event.source, _flag(event.confirmed), _flag(handled))
        self._bus.publish(event)
        self._tell(ExpiryRecord(event=event, handled=handled))

    def published_elsewhere(self, event: SessionExpired) -> None:
        """Tell the observers of an expiry that another process published; what was dropped refers to it."""
        self._tell(ExpiryRecord(event=event, handled=True))

    def renewed_elsewhere(self, session: str | None, at: float, expiries: tuple[str, ...]) -> None:
        """Tell the observers which expiries a renewal ended that another process was told."""
        if expiries:
            self._tell(RenewalRecord(at=at, session=session, expiries=expiries))

    def _reason(self, failure: Failure) -> str:
        status = _status(failure)
        summary = f"{self._policy.provider} API error ({status} {HTTPStatus(status).phrase})"
        body = None if failure.response is None else failure.response.body
        text = f"{summary}: {body}" if body else failure.text or summary
        try:
            return self._redactor.redact(text[:_REASON_SOURCE_LENGTH])[:_REASON_LENGTH]
        except Exception as error:  # noqa: BLE001 - fail closed: the event goes out, its reason does not
            self.fault("reason", error)
            return "[REDACTED]"

    def _record(
        self,
        signal: str,
        verdict: str,
        reason: str,
        failure: Failure,
        observed: Observed | None,
        *,
        third_party: bool,
    ) -> DecisionRecord:
        response = failure.response
        session = None if response is None else response.session
        recognised = observed is not None or verdict != "keep"
        provider = failure.provider or (self._policy.provider if recognised else None)
        endpoint = None if response is None else response.endpoint
        if observed is None and recognised:  # what became of a report by an earlier decision
            observed = self._sessions.decided(session)
        return DecisionRecord(
            at=time.time(),
            signal=signal,
            verdict=verdict,
            reason=reason,
            standing=None if observed is None else observed.standing.value,
            expiry=None if observed is None else observed.expiry,
            domain=self._labels.of(failure.domain),
            operation=self._labels.of(operation_of(failure, self._policy)),
            provider=self._labels.of(provider),
            backend=self._policy.provider,
            host=None if endpoint is None else self._labels.of(endpoint.host),
            third_party=third_party,
            status=failure.status if response is None else response.status,
            session=session,
            trace_id=self._labels.of_id(failure.trace_id),
        )


def _knowledge(failure: Failure) -> tuple[bool, bool, bool]:
    response = failure.response
    if response is None:
        return (False, False, False)
    return (True, response.recorded, response.body is not None)


def _begun_at(failure: Failure) -> float:
    started_at = None if failure.response is None else failure.response.started_at
    at = failure.at if started_at is None else started_at
    return time.time() if at is None else at


def _flag(value: bool) -> str:  # noqa: FBT001 - it is the thing that is written
    return "true" if value else "false"


def _status(failure: Failure) -> int:
    known = failure.status if failure.response is None else failure.response.status
    return 401 if known is None else known
