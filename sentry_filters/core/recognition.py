"""The rule: which failures are *our session expired*. Facts in, a verdict out; in doubt, keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentry_filters.core.policy import Policy
from sentry_filters.evidence import (
    Failure,
    Statement,
    body_of_text,
    conventions,
    fold,
    holds_json,
    is_nothing_else,
    serves,
    statements_in,
)

Grade = Literal["fact", "statement", "words"]
"""What the wire said; what the application's own code states in a form of its own; text anywhere else."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a failure is dropped, and why or why not.

    Args:
        drop: True only where all known evidence says that the hosted backend's session expired. Words may
            be dropped only while that session is known to be dead; they never say so themselves.
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
    provider and origin, a credential, an LLM call as operation, and nothing in the body that contradicts it.
    Never publishes, never changes anything, and never raises for a well-formed `Failure`.
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
    grade = _grade(failure, policy)
    return Verdict(drop=True, reason="backend_session_expired", confirmed=grade == "fact", grade=grade)


def operation_of(failure: Failure, policy: Policy) -> str | None:
    """Return the LLM operation that failed, by the caller's name for it, else the tag, else the URL path."""
    response = failure.response
    if response is not None and response.operation is not None:
        return response.operation
    tagged = _tagged_operation(failure, policy)
    if tagged is not None:
        return tagged
    return policy.operation_of_path(response.path) if response is not None else None


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
    return (
        _of_another(failure, policy, statements)
        or _of_its_own(failure, statements)
        or _of_something_else(failure, policy, statements)
        or _not_from_the_backend(failure, policy, statements)
    )


def _of_another(failure: Failure, policy: Policy, statements: tuple[Statement, ...]) -> Verdict | None:
    """Return why the failure is not the hosted backend's."""
    if failure.provider is not None and failure.provider != policy.provider:
        return _keep("other_provider")
    if _served_by_another(failure, policy):
        return _keep("contradicting_host")
    if not all(statement.ours for statement in statements):
        return _keep("other_provider")
    return _keep("second_failure") if failure.second_failure else None


def _of_its_own(failure: Failure, statements: tuple[Statement, ...]) -> Verdict | None:
    """Return why the exception is an error of its own, whatever call failed before it."""
    if failure.other_exception:
        return _keep("other_exception")
    return _keep("raised_while_handling") if failure.raised_while_handling and not statements else None


def _of_something_else(failure: Failure, policy: Policy, statements: tuple[Statement, ...]) -> Verdict | None:
    """Return why the failure is not the end of a session."""
    if not all(statement.status in policy.statuses for statement in statements):
        return _keep("other_status")
    if _vetoed(failure, statements, policy):
        return _keep("not_a_session_code")
    if _is_other_operation(failure, policy):
        return _keep("other_operation")
    if failure.domain == policy.domain and failure.failure not in (None, conventions.FAILED_RESPONSE):
        return _keep("other_failure")
    return None


def _not_from_the_backend(
    failure: Failure, policy: Policy, statements: tuple[Statement, ...]
) -> Verdict | None:
    """Return why the answer is not the backend's own, or not one to a credential."""
    if any(body_of_text(statement.body).html for statement in statements):
        return _keep("not_the_backend")
    response = failure.response
    if response is None:
        return None
    if response.by_backend is False or (
        # Firewalls answer 403, too.
        response.status == conventions.FORBIDDEN
        and response.body_known
        and _served_by_backend(failure, policy)
        and not holds_json(response.body)
    ):
        return _keep("not_the_backend")
    return _keep("no_credential") if response.credential is False else None


def _grade(failure: Failure, policy: Policy) -> Grade:
    """Return how good the evidence is that nothing contradicts."""
    if policy.scope == "session" and failure.session is None:
        return "words"
    response = failure.response
    told = response is not None and (response.body_known or not policy.vetoes)
    if told and _served_by_backend(failure, policy):
        return "fact"  # else what is beside a body that nobody read may still state the failure
    stated = _is_tagged(failure, policy) or _is_wire_text(failure, policy)
    return "statement" if stated and policy.publish_on == "statement" else "words"


def _is_tagged(failure: Failure, policy: Policy) -> bool:
    """Say whether the five tags state the failure; that they agree with the policy was seen before."""
    return (
        failure.domain == policy.domain
        and failure.operation in policy.llm_operations
        and failure.provider == policy.provider
        and failure.status is not None
        and failure.failure == conventions.FAILED_RESPONSE
    )


def _is_wire_text(failure: Failure, policy: Policy) -> bool:
    """Say whether the message itself, under a `domain` tag, is one of the forms of wire text."""
    if failure.domain is None or not failure.is_message:
        return False
    # Plain text behind the form may be anybody's, but where the provider's own layer speaks.
    return is_nothing_else(failure.text, policy.provider, plain=failure.domain == policy.domain)


def _missing(failure: Failure, policy: Policy, statements: tuple[Statement, ...]) -> Verdict | None:
    if not (failure.provider is not None or statements or _served_by_backend(failure, policy)):
        return _keep("unknown_provider")
    if not statements and operation_of(failure, policy) is None:
        return _keep("unknown_operation")
    return None


def _served_by_backend(failure: Failure, policy: Policy) -> bool:
    return failure.endpoint is not None and serves(policy.endpoints, failure.endpoint)


def _served_by_another(failure: Failure, policy: Policy) -> bool:
    seen = failure.rivals if failure.endpoint is None else failure.rivals | {failure.endpoint}
    return bool(policy.endpoints) and not all(serves(policy.endpoints, origin) for origin in seen)


def _vetoed(failure: Failure, statements: tuple[Statement, ...], policy: Policy) -> bool:
    """Say whether a body has a code of the veto, a text quotes one, or cut wire text may have one."""
    response, text = failure.response, failure.text
    if any(f"'{code}'" in text or f'"{code}"' in text for code in policy.not_session_codes):
        return True
    if response is not None and not policy.vetoes.isdisjoint(map(fold, response.codes)):
        return True
    for statement in statements:
        body = body_of_text(statement.body)
        if not body.codes.isdisjoint(policy.vetoes):
            return True
        if not body.known and any(code in fold(statement.body) for code in policy.vetoes):
            return True
    return False


def _tagged_operation(failure: Failure, policy: Policy) -> str | None:
    if failure.domain == policy.domain:
        return failure.operation
    if failure.domain is None and (
        failure.provider is not None or failure.operation in policy.llm_operations
    ):
        return failure.operation
    return None  # an outer layer names its own work in `operation`


def _is_other_operation(failure: Failure, policy: Policy) -> bool:
    response, tagged = failure.response, _tagged_operation(failure, policy)
    if tagged is not None and tagged not in policy.llm_operations:
        return True
    if response is None:
        return False
    if response.operation is not None:
        return response.operation not in policy.llm_operations
    if tagged is None and response.method not in (None, conventions.LLM_METHOD):
        return True
    if response.path is None:
        return False
    if policy.operation_of_path(response.path) is not None:
        return False
    # Operations that own a path have to be seen on it; "warmup" or "native_chat" may run on any.
    return tagged is None or tagged in policy.paths.values()
