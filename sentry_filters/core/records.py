"""What the audit records: decisions, expiries and renewals as codes, labels and ids, never a payload."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from sentry_filters.core.backends import Backends
from sentry_filters.core.counters import Counters, Faults
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict, operation_of
from sentry_filters.core.session import Observed, SessionExpired
from sentry_filters.evidence import Failure, serves

_LONGEST = 200
_HEX = frozenset("0123456789abcdef")
_WITHHELD = "[WITHHELD]"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision about a failure, or about a refusal of the gate.

    Args:
        at: Seconds since the epoch.
        signal: `event`, `log`, `metric`, `span`, `transaction` or `report`.
        verdict: `drop`, `keep` or `demote`; in shadow mode `would_drop` or `would_demote` of what was kept.
        reason: `Verdict.reason`.
        standing: `first`, `repeat` or `stale` for what was recognised, None for what was not.
        expiry: `SessionExpired.id` of the expiry that the failure belongs to, None where there is none.
        domain: The `domain` tag.
        operation: The operation that failed.
        provider: The `provider` tag, or the policy's where the failure was recognised without one.
        backend: `Policy.provider` of the backend that it is about; empty where it names none of several.
        host: The host that answered, None where no response is known.
        third_party: Whether the failure's own tag or host names another than the backend: never dropped.
        status: HTTP status.
        session: Fingerprint of the credential.
        trace_id: Trace of the failure.
        grade: How good the evidence is on which it was recognised. None where it was not recognised, or where
            an earlier decision about the same failure was followed.
        confirmed: Whether a response of the backend's own host said so; None where `grade` is.
    """

    at: float
    signal: str
    verdict: str
    reason: str
    standing: str | None
    expiry: str | None
    domain: str | None
    operation: str | None
    provider: str | None
    backend: str
    host: str | None
    third_party: bool
    status: int | None
    session: str | None
    trace_id: str | None
    grade: str | None = None
    confirmed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryRecord:
    """One published `SessionExpired`.

    Args:
        event: As published.
        handled: Whether somebody had subscribed, and so will act on it.
    """

    event: SessionExpired
    handled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalRecord:
    """One `session_renewed`, or the end of an expiry that was none.

    Args:
        at: Seconds since the epoch.
        session: Fingerprint of the new credential, None where it was not named.
        expiries: `SessionExpired.id` of the expiries that it ended.
        reason: `renewed`, or `recovered` where a success of the same credential ended the expiry.
    """

    at: float
    session: str | None
    expiries: tuple[str, ...]
    reason: str = "renewed"


AuditRecord = DecisionRecord | ExpiryRecord | RenewalRecord
"""What a guard hands to `audit`: one record for each decision, expiry and renewal."""
AuditObserver = Callable[[AuditRecord], object]


class RedactsText(Protocol):
    """The redactor, as far as the core needs it."""

    def redact(self, text: str) -> str:
        """Return `text` without secrets."""


class Labels:
    """Makes labels; what cannot be redacted is withheld. Never raises.

    Args:
        redactor: Cleans what is not known to be clean.
        policies: Their own names are known to be clean.
    """

    def __init__(self, redactor: RedactsText, policies: Iterable[Policy]) -> None:
        self._redactor = redactor
        self._known = frozenset(
            name for one in policies for name in (one.provider, one.domain, *one.llm_operations)
        )

    def of(self, text: str | None) -> str | None:
        """Return a tag's value as a label."""
        if text is None or text in self._known:
            return text
        try:
            redacted = self._redactor.redact(text)
        except Exception:  # noqa: BLE001 - fail closed: the label is withheld, its record is kept
            return _WITHHELD
        return redacted[:_LONGEST].encode("utf-8", "replace").decode()

    def of_line(self, text: str) -> str:
        """Return a text as a label in one line, which cannot control a terminal."""
        label = self.of(text) or ""
        return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in label)

    def of_id(self, text: str | None) -> str | None:
        """Return an id; one that is not made of hex digits is treated as any other text."""
        # Every failure may have a trace of its own, and hex digits need no look.
        if text is None or (len(text) <= 32 and _HEX.issuperset(text)):
            return text
        return self.of(text)


class AuditTrail:
    """Counts, and hands records to observers on the thread that decides. Never raises.

    Args:
        backends: Whose backends the records are about.
        counters: Where everything is counted.
        redactor: Cleans labels.
    """

    def __init__(self, backends: Backends, counters: Counters, redactor: RedactsText) -> None:
        self.counters = counters
        self.fault = Faults(counters)
        self.labels = Labels(redactor, backends.policies)
        self._backends = backends
        self._observers: tuple[AuditObserver, ...] = ()

    def observe(self, observer: AuditObserver) -> None:
        """Hand every decision about a failure, every expiry and every renewal to `observer`, as it happens.

        It must return at once; what it raises is counted as a fault and is not propagated.
        """
        self._observers = (*self._observers, observer)

    def write(self, record: AuditRecord) -> None:
        """Hand `record` to every observer."""
        for observer in self._observers:
            try:
                observer(record)
            except Exception as error:  # noqa: BLE001 - an audit that fails must not change what it watches
                self.fault("audit", error)

    def decided(
        self,
        signal: str,
        verdict: str,
        reason: str,
        failure: Failure,
        observed: Observed | None,
        recognised: Verdict | None = None,
    ) -> None:
        """Write down a decision about a failure; one that dropped a third party's is a violation.

        Args:
            signal: What kind of report it is.
            verdict: As in `DecisionRecord`.
            reason: The verdict's code.
            failure: What was decided about.
            observed: Where a recognised failure stands, None for one that was not recognised.
            recognised: What it was recognised as, None where it was not, or by an earlier decision.
        """
        policy = self._backends.of(failure)
        third_party = names_third_party(failure, policy)
        if third_party and verdict != "keep":
            self.counters.add("violations", "third_party_dropped")
        if not self._observers:
            return
        provider = failure.provider or (None if observed is None else policy.provider)
        host = None if failure.endpoint is None else failure.endpoint.host
        record = DecisionRecord(
            at=time.time(),
            signal=signal,
            verdict=verdict,
            reason=reason,
            standing=None if observed is None or observed.standing is None else observed.standing.value,
            expiry=None if observed is None else observed.expiry,
            domain=self.labels.of(failure.domain),
            operation=self.labels.of(operation_of(failure, policy)),
            provider=self.labels.of(provider),
            backend=self._backends.provider_of(failure),
            host=self.labels.of(host),
            third_party=third_party,
            status=failure.known_status,
            session=failure.session,
            trace_id=self.labels.of_id(failure.trace_id),
            grade=None if recognised is None else recognised.grade,
            confirmed=None if recognised is None else recognised.confirmed,
        )
        self.write(record)

    def refused(self, signal: str, verdict: str, reason: str, event: SessionExpired | None) -> None:
        """Count what became of a report of the gate's own refusal; write it down where its expiry is known.

        Args:
            signal: What kind of report it is.
            verdict: `drop` or `demote`.
            reason: Its code.
            event: The expiry that closed the gate, None where the report does not carry it.
        """
        self.counters.add("decisions", signal, verdict, reason)
        if event is None or not self._observers:
            return
        record = DecisionRecord(
            at=time.time(),
            signal=signal,
            verdict=verdict,
            reason=reason,
            standing=None,
            expiry=self.labels.of_id(event.id),
            domain=None,
            operation=None,
            provider=self.labels.of(event.provider),
            backend=self.labels.of(event.provider) or "",
            host=None,
            third_party=False,
            status=None,
            session=self.labels.of_id(event.session),
            trace_id=None,
        )
        self.write(record)


EXPIRY_EXTRA = "session_expired"
"""The attribute by which a log record is the WARNING of an expiry; its value is the expiry's id."""


def expiry_attributes(event: SessionExpired, *, handled: bool) -> dict[str, str | int | bool]:
    """Return an expiry as attributes of telemetry, where something is known: labels and ids, no payload.

    Args:
        event: As published.
        handled: Whether the application had subscribed.
    """
    attributes: dict[str, str | int | bool | None] = {
        "sentry_filters.expiry": event.id,
        "sentry_filters.handled": handled,
        "sentry_filters.source": event.source,
        "sentry_filters.provider": event.provider,
        "sentry_filters.operation": event.operation,
        "sentry_filters.reason": event.reason,
        "sentry_filters.confirmed": event.confirmed,
        # Semantic conventions for HTTP and for sessions.
        "http.response.status_code": event.status,
        "session.id": event.session,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def names_third_party(failure: Failure, policy: Policy) -> bool:
    """Say whether a failure's own tag or host names another than the backend.

    The audit's own reading of the evidence, apart from recognition, which it checks.
    """
    if failure.provider is not None and failure.provider != policy.provider:
        return True
    endpoint = failure.endpoint
    return endpoint is not None and bool(policy.endpoints) and not serves(policy.endpoints, endpoint)
