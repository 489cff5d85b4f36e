"""The event of an expiry: a draft that needs no time, for the gate, and the finished one, for handlers."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict, operation_of
from sentry_filters.core.records import AuditTrail, RedactsText
from sentry_filters.core.session import SessionExpired
from sentry_filters.evidence import Failure, conventions

_REASON_LENGTH = 200
_REASON_SOURCE_LENGTH = 16_384
_UNKNOWN = "unknown"


def random_id(_session: str | None, _after: int) -> str:
    """Return the id of an expiry that no other process will find."""
    return secrets.token_hex(8)


def draft_of(failure: Failure, verdict: Verdict, policy: Policy, id_: str) -> SessionExpired:
    """Return the event of an expiry as far as it needs no redaction: the gate must not wait for that."""
    operation = operation_of(failure, policy)
    return SessionExpired(
        source=policy.source,
        reason=_summary(failure, policy),
        provider=policy.provider,
        operation=operation if operation and operation in policy.operations else _UNKNOWN,
        status=_status(failure),
        session=failure.session,
        confirmed=verdict.confirmed,
        at=datetime.now(UTC),
        trace_id=None,
        id=id_,
    )


def finished(
    draft: SessionExpired, failure: Failure, policy: Policy, trail: AuditTrail, redactor: RedactsText
) -> SessionExpired:
    """Return the event with everything that has to be redacted first; never raises.

    Args:
        draft: What `draft_of` returned.
        failure: The same failure.
        policy: The same policy.
        trail: Cleans labels, and takes note of faults.
        redactor: Cleans the reason; where it raises, the reason is `[REDACTED]`.
    """
    text = f"{draft.reason}: {failure.body}" if failure.body else failure.text or draft.reason
    try:
        reason = redactor.redact(text[:_REASON_SOURCE_LENGTH])[:_REASON_LENGTH]
    except Exception as error:  # noqa: BLE001 - fail closed: the event goes out, its reason does not
        trail.fault("reason", error)
        reason = "[REDACTED]"
    return replace(
        draft,
        reason=reason,
        operation=trail.labels.of(operation_of(failure, policy)) or _UNKNOWN,
        trace_id=trail.labels.of_id(failure.trace_id),
    )


def _summary(failure: Failure, policy: Policy) -> str:
    status = _status(failure)
    return f"{policy.provider}{conventions.API_ERROR}{status} {HTTPStatus(status).phrase})"


def _status(failure: Failure) -> int:
    status = failure.known_status
    return conventions.SESSION_STATUSES[0] if status is None else status
