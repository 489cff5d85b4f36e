"""What the audit is told: decisions, expiries and renewals as codes, labels and ids, never a payload.

Labels that come from outside (tags, hosts) are redacted and cut: see `labels`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sentry_filters.core.policy import Policy
from sentry_filters.core.session import SessionExpired
from sentry_filters.evidence import Failure, serves


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision about a failure.

    Args:
        at: Seconds since the epoch.
        signal: `event`, `log`, `metric`, `span`, `transaction` or `report`.
        verdict: `drop`, `keep` or `demote`.
        reason: `Verdict.reason`.
        standing: `first`, `repeat` or `stale` for what was recognised, None for what was not.
        expiry: `SessionExpired.id` of the expiry that the failure belongs to, None where there is none.
        domain: The `domain` tag.
        operation: The operation that failed.
        provider: The `provider` tag, or the policy's where the failure was recognised without one.
        backend: `Policy.provider`.
        host: The host that answered, None where no response is known.
        third_party: Whether the failure's own tag or host names another than the backend: never dropped.
        status: HTTP status.
        session: Fingerprint of the credential.
        trace_id: Trace of the failure.
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
    """One `session_renewed`.

    Args:
        at: Seconds since the epoch.
        session: Fingerprint of the new credential, None where it was not named.
        expiries: `SessionExpired.id` of the expiries that it ended.
    """

    at: float
    session: str | None
    expiries: tuple[str, ...]


AuditRecord = DecisionRecord | ExpiryRecord | RenewalRecord
AuditObserver = Callable[[AuditRecord], object]


def names_third_party(failure: Failure, policy: Policy) -> bool:
    """Say whether a failure's own tag or host names another than the backend.

    The audit's own reading of the evidence, apart from recognition, which it checks.
    """
    if failure.provider is not None and failure.provider != policy.provider:
        return True
    endpoint = None if failure.response is None else failure.response.endpoint
    return endpoint is not None and bool(policy.endpoints) and not serves(policy.endpoints, endpoint)
