"""Warns of `Policy.hosts` that cannot be right: failures name the backend, and none is from its hosts."""

from __future__ import annotations

from sentry_filters.core.backends import Backends
from sentry_filters.core.counters import OneWarning
from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict
from sentry_filters.core.records import Labels
from sentry_filters.evidence import Failure, serves, statements_in

ENOUGH = 20
"""Failures of other hosts after which a backend whose own hosts were never seen is warned of, once."""


class KnownHosts:
    """Watches decisions and successes; thread-safe. A process that calls nobody is never warned of.

    Args:
        backends: The policies.
        labels: Cleans what is logged.
    """

    def __init__(self, backends: Backends, labels: Labels) -> None:
        self._backends = backends
        self._labels = labels
        self._seen: set[str] = set()
        self._foreign = {policy.provider: 0 for policy in backends.policies}
        self._warn = {policy.provider: OneWarning() for policy in backends.policies}

    def answered(self, policy: Policy) -> None:
        """Take note that one of this policy's hosts has answered."""
        self._seen.add(policy.provider)

    def decided(self, verdict: Verdict, failure: Failure) -> None:
        """Take note of a decision about a failure."""
        endpoint = failure.endpoint
        if endpoint is None:
            return
        policy = self._backends.of(failure)
        if serves(policy.endpoints, endpoint):
            self.answered(policy)
        elif verdict.reason == "contradicting_host" and _names_it(failure, policy):
            self._count(policy, endpoint.host)

    def _count(self, policy: Policy, host: str) -> None:
        name = policy.provider
        self._foreign[name] += 1
        if self._foreign[name] < ENOUGH or name in self._seen:
            return
        self._warn[name](
            "sentry-filters: %d failures name %s but came from other hosts, the latest from %s; none of its "
            "hosts (%s) was seen: check hosts in the policy",
            self._foreign[name],
            name,
            self._labels.of(host),
            ", ".join(sorted(policy.hosts)),
        )


def _names_it(failure: Failure, policy: Policy) -> bool:
    if failure.provider is not None:
        return failure.provider == policy.provider
    return any(statement.ours for statement in statements_in(failure.text, policy.provider))
