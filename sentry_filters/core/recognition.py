"""The rule: which failures are *our session expired*. Facts in, a verdict out; in doubt, keep."""

from __future__ import annotations

from dataclasses import dataclass

from sentry_filters.core.policy import Policy
from sentry_filters.evidence import Failure, Mention, Response, codes_of_text, conventions, mentions, serves


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a failure is dropped, and why or why not.

    Args:
        drop: True only where all known evidence says that the hosted backend's session expired.
        reason: A short stable code that the audit groups by.
        confirmed: Whether a response of one of `Policy.hosts` says so, not only a report.
    """

    drop: bool
    reason: str
    confirmed: bool = False


UNRELATED = Verdict(drop=False, reason="unrelated")


def recognise(failure: Failure, policy: Policy) -> Verdict:
    """Say whether `failure` is the expired session that `policy` describes.

    All evidence that is known must agree: a status out of `policy.statuses`, the hosted backend as
    provider, an LLM call as operation, and nothing in the body that says otherwise. Never publishes, never
    changes anything, and never raises for a well-formed `Failure`.
    """
    told = _told(failure, policy)
    statuses = _statuses(failure, told)
    if not statuses:
        return UNRELATED
    if not all(status in policy.statuses for status in statuses):
        return _keep("other_status")
    return (
        _contradiction(failure, policy, told)
        or _missing(failure, policy, told)
        or Verdict(
            drop=True,
            reason="backend_session_expired",
            confirmed=_served_by_backend(failure.response, policy),
        )
    )


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


def _told(failure: Failure, policy: Policy) -> tuple[Mention, ...]:
    told = mentions(failure.text, policy.provider)
    if _served_by_backend(failure.response, policy):
        # A response of the backend's own host is nearer the wire than any sentence about others.
        return tuple(mention for mention in told if mention.ours and mention.status in policy.statuses)
    return told


def _statuses(failure: Failure, told: tuple[Mention, ...]) -> list[int]:
    known = [failure.status, None if failure.response is None else failure.response.status]
    known += [mention.status for mention in told if mention.ours]
    return [status for status in known if status is not None]


def _contradiction(failure: Failure, policy: Policy, told: tuple[Mention, ...]) -> Verdict | None:
    response = failure.response
    if failure.provider is not None and failure.provider != policy.provider:
        return _keep("other_provider")
    if _served_by_another(response, policy):
        return _keep("contradicting_host")
    if not all(mention.ours for mention in told):
        return _keep("other_provider")
    if not all(mention.status in policy.statuses for mention in told):
        return _keep("other_status")
    if failure.raised_while_handling and not told:
        return _keep("raised_while_handling")
    if not _codes(response, told).isdisjoint(policy.not_session_codes):
        return _keep("not_a_session_code")
    if _is_other_operation(failure, policy):
        return _keep("other_operation")
    if failure.domain == policy.domain and failure.failure not in (None, conventions.FAILED_RESPONSE):
        return _keep("other_failure")
    return None


def _missing(failure: Failure, policy: Policy, told: tuple[Mention, ...]) -> Verdict | None:
    if not (failure.provider is not None or told or _served_by_backend(failure.response, policy)):
        return _keep("unknown_provider")
    if not told and operation_of(failure, policy) is None:
        return _keep("unknown_operation")
    return None


def _served_by_backend(response: Response | None, policy: Policy) -> bool:
    endpoint = None if response is None else response.endpoint
    return endpoint is not None and serves(policy.endpoints, endpoint)


def _served_by_another(response: Response | None, policy: Policy) -> bool:
    endpoint = None if response is None else response.endpoint
    return endpoint is not None and bool(policy.endpoints) and not serves(policy.endpoints, endpoint)


def _codes(response: Response | None, told: tuple[Mention, ...]) -> frozenset[str]:
    codes = frozenset() if response is None else response.codes
    return codes.union(*(codes_of_text(mention.body) for mention in told))


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
