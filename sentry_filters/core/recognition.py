"""The rule: which failures are *our session expired*. Facts in, a verdict out; in doubt, keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentry_filters.core.policy import Policy
from sentry_filters.evidence import (
    Failure,
    Response,
    Statement,
    codes_of_text,
    conventions,
    serves,
    statements_in,
)

Grade = Literal["fact", "statement", "words"]
"""What the wire said; what the application's own code states in a form of its own; text anywhere else."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a failure is dropped, and why or why not.

    Args:
        drop: True only where all known evidence says that the hosted backend's session expired.
        reason: A short stable code that the audit groups by.
        confirmed: Whether a response of one of `Policy.hosts` says so, not only a report.
        grade: How good the evidence is.
    """

    drop: bool
    reason: str
    confirmed: bool = False
    grade: Grade = "statement"


UNRELATED = Verdict(drop=False, reason="unrelated")


def recognise(failure: Failure, policy: Policy) -> Verdict:
    """Say whether `failure` is the expired session that `policy` describes.

    All evidence that is known must agree: a status out of `policy.statuses`, the hosted backend as
    provider, an LLM call as operation, and nothing in the body that contradicts it. Never publishes, never
    changes anything, and never raises for a well-formed `Failure`.
    """
    statements = _statements(failure, policy)
    statuses = _statuses(failure, statements)
    if not statuses:
        return UNRELATED
    if not all(status in policy.statuses for status in statuses):
        return _keep("other_status")
    kept = _contradiction(failure, policy, statements) or _missing(failure, policy, statements)
    if kept is not None:
        return kept
    grade: Grade = "fact" if _served_by_backend(failure, policy) else "statement"
    return Verdict(drop=True, reason="backend_session_expired", confirmed=grade == "fact", grade=grade)


def operation_of(failure: Failure, policy: Policy) -> str | None:
    """Return the LLM operation that failed, by the caller's name for it, else the tag, else the URL path."""
    response = failure.response
    if response is not None and response.operation is not None:
        return response.operation
    tagged = _tagged_operation(failure, policy)
    if tagged is not None:
        return tagged
    return operation_of_path(response.path, policy) if response is not None else None


def operation_of_path(path: str | None, policy: Policy) -> str | None:
    """Return the operation of the longest suffix in `policy.paths` that `path` ends with, else None."""
    suffixes = [suffix for suffix in policy.paths if path is not None and path.endswith(suffix)]
    return policy.paths[max(suffixes, key=len)] if suffixes else None


def _keep(reason: str) -> Verdict:
    return Verdict(drop=False, reason=reason)


def _statements(failure: Failure, policy: Policy) -> tuple[Statement, ...]:
    statements = statements_in(failure.text, policy.provider)
    if _served_by_backend(failure, policy):
        # A response of the backend's own host is nearer the wire than any sentence about others.
        return tuple(
            statement for statement in statements if statement.ours and statement.status in policy.statuses
        )
    return statements


def _statuses(failure: Failure, statements: tuple[Statement, ...]) -> list[int]:
    known = [failure.status, failure.known_status]
    known += [statement.status for statement in statements if statement.ours]
    return [status for status in known if status is not None]


def _contradiction(failure: Failure, policy: Policy, statements: tuple[Statement, ...]) -> Verdict | None:
    return _of_another(failure, policy, statements) or _of_something_else(failure, policy, statements)


def _of_another(failure: Failure, policy: Policy, statements: tuple[Statement, ...]) -> Verdict | None:
    """Return why the failure is not the hosted backend's."""
    if failure.provider is not None and failure.provider != policy.provider:
        return _keep("other_provider")
    if _served_by_another(failure, policy):
        return _keep("contradicting_host")
    if not all(statement.ours for statement in statements):
        return _keep("other_provider")
    return None


def _of_something_else(failure: Failure, policy: Policy, statements: tuple[Statement, ...]) -> Verdict | None:
    """Return why the failure is not the end of a session."""
    if not all(statement.status in policy.statuses for statement in statements):
        return _keep("other_status")
    if failure.raised_while_handling and not statements:
        return _keep("raised_while_handling")
    if not _codes(failure.response, statements).isdisjoint(policy.not_session_codes):
        return _keep("not_a_session_code")
    if _is_other_operation(failure, policy):
        return _keep("other_operation")
    if failure.domain == policy.domain and failure.failure not in (None, conventions.FAILED_RESPONSE):
        return _keep("other_failure")
    return None


def _missing(failure: Failure, policy: Policy, statements: tuple[Statement, ...]) -> Verdict | None:
    if not (failure.provider is not None or statements or _served_by_backend(failure, policy)):
        return _keep("unknown_provider")
    if not statements and operation_of(failure, policy) is None:
        return _keep("unknown_operation")
    return None


def _served_by_backend(failure: Failure, policy: Policy) -> bool:
    return failure.endpoint is not None and serves(policy.endpoints, failure.endpoint)


def _served_by_another(failure: Failure, policy: Policy) -> bool:
    endpoint = failure.endpoint
    return endpoint is not None and bool(policy.endpoints) and not serves(policy.endpoints, endpoint)


def _codes(response: Response | None, statements: tuple[Statement, ...]) -> frozenset[str]:
    codes = frozenset() if response is None else response.codes
    return codes.union(*(codes_of_text(statement.body) for statement in statements))


def _tagged_operation(failure: Failure, policy: Policy) -> str | None:
    if failure.domain == policy.domain:
        return failure.operation
    if failure.domain is None and (failure.provider is not None or failure.operation in policy.operations):
        return failure.operation
    return None  # an outer layer names its own work in `operation`


def _is_other_operation(failure: Failure, policy: Policy) -> bool:
    response, tagged = failure.response, _tagged_operation(failure, policy)
    if tagged is not None and tagged not in policy.operations:
        return True
    if response is None:
        return False
    if response.operation is not None:
        return response.operation not in policy.operations
    if response.path is None:
        return False
    by_path = operation_of_path(response.path, policy)
    if by_path is not None:
        return by_path not in policy.operations
    # Operations that own a path have to be seen on it; "warmup" or "native_chat" may run on any.
    return tagged is None or tagged in policy.paths.values()
