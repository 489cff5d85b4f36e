"""The policies of one guard, and which of them a failure is about: by lookup, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType
from typing import Final

from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import Verdict, recognise
from sentry_filters.evidence import Endpoint, Failure, conventions, labels_in, serves


class Backends:
    """The backends of one guard. Immutable.

    A failure is about the backend that its origin belongs to; where no origin is known, or it is nobody's,
    the one that its `provider` tag names; else the one whose label its wire text has. That backend's policy
    decides, and evidence of any other backend, of one of our own too, keeps the report.

    A single policy is asked about everything.

    Args:
        policies: One for each backend.

    Raises:
        ValueError: There is none; two have the same provider, whatever the case, or hosts that overlap; or
            they differ in what holds for the whole guard: `credential_headers`, `kept_keys`, `mode`.
    """

    def __init__(self, policies: Policy | Sequence[Policy]) -> None:
        self.policies: Final = (policies,) if isinstance(policies, Policy) else tuple(policies)
        _validate(self.policies)
        self.by_provider: Final[Mapping[str, Policy]] = MappingProxyType(
            {policy.provider: policy for policy in self.policies}
        )
        self._by_endpoint: Mapping[Endpoint, Policy] = MappingProxyType(
            {endpoint: policy for policy in self.policies for endpoint in policy.endpoints}
        )
        self._first = self.policies[0]
        self._only = self._first if len(self.policies) == 1 else None
        self.credential_headers: Final = self._first.credential_headers
        self.is_shadow: Final = self._first.mode == "shadow"
        self.domains: Final = frozenset(policy.domain for policy in self.policies)
        self.statuses: Final = frozenset(status for policy in self.policies for status in policy.statuses)

    def __repr__(self) -> str:
        return f"<Backends {', '.join(self.by_provider)}>"

    @property
    def only(self) -> Policy | None:
        """The policy, where there is one."""
        return self._only

    def named(self, provider: str | None, place: str) -> Policy:
        """Return the policy of this provider; None names the only one.

        Args:
            provider: `Policy.provider`.
            place: What the error begins with.

        Raises:
            ValueError: There is no such backend, or several and none is named.
        """
        policy = self._only if provider is None else self.by_provider.get(provider)
        if policy is None:
            raise ValueError(unknown_provider(place, provider, self.by_provider))
        return policy

    def at(self, endpoint: Endpoint) -> Policy | None:
        """Return the policy that one of whose hosts this endpoint is, None where it is nobody's."""
        if self._only is not None:
            return self._only if serves(self._only.endpoints, endpoint) else None
        found = self._by_endpoint.get(endpoint) or self._by_endpoint.get(Endpoint(endpoint.host))
        if found is None and endpoint.port is None:
            ports = (Endpoint(endpoint.host, port) for port in conventions.DEFAULT_PORTS.values())
            found = next((self._by_endpoint[port] for port in ports if port in self._by_endpoint), None)
        return found

    def spoken_of(self, failure: Failure) -> Policy | None:
        """Return the policy of the backend that a failure is about; None where it names none of several."""
        if self._only is not None:
            return self._only
        endpoint, provider = failure.endpoint, failure.provider
        policy = None if endpoint is None else self.at(endpoint)
        if policy is None and provider is not None:
            policy = self.by_provider.get(provider)
        if policy is None and (labels := labels_in(failure.text, self.by_provider)):
            label = next(filter(None, labels), None)
            policy = None if label is None else self.by_provider[label]
        return policy

    def of(self, failure: Failure) -> Policy:
        """Return the policy that decides about a failure; any of them keeps what names none of them."""
        return self.spoken_of(failure) or self._first

    def provider_of(self, failure: Failure) -> str:
        """Return the provider of the backend that a failure is about; empty if it names none of several."""
        policy = self.spoken_of(failure)
        return "" if policy is None else policy.provider

    def others_of(self, failure: Failure) -> tuple[Policy, ...]:
        """Return the policies of our other backends whose failed calls a report leads to as well.

        If the report is dropped, their failures are hidden: their sessions have to be known to be dead, too.
        """
        if self._only is not None or not failure.rivals:
            return ()
        mine = self.of(failure)
        found = {one.provider: one for one in map(self.at, failure.rivals) if one not in (None, mine)}
        return tuple(one for one in found.values() if one is not None)

    def with_others(self, failures: Sequence[Failure]) -> Sequence[Failure]:
        """Return a report's failures with those of our other backends that it leads to as well."""
        if self._only is not None:
            return failures
        found = [other for one in failures if one.answers for other in self._failures_of_others(one)]
        return [*failures, *found] if found else failures

    def _failures_of_others(self, failure: Failure) -> Iterator[Failure]:
        mine = self.of(failure)
        for answer in failure.answers:
            if answer.endpoint is not None and self.at(answer.endpoint) not in (None, mine):
                yield Failure(response=answer, at=failure.at, trace_id=failure.trace_id)

    def recognise(self, failure: Failure) -> Verdict:
        """Say whether `failure` is an expired session of the backend that it is about; see `recognise`.

        Of a report that leads to calls of several of our backends, a fact may still decide; what is only
        stated is words, since it may have named the wrong one.
        """
        if self._only is not None:
            return recognise(failure, self._only)
        policy = self.of(failure)
        others = self.others_of(failure)
        verdict = recognise(self._without(others, failure), policy)
        if not verdict.drop:
            return verdict
        if self._names_another(failure, policy):
            return Verdict(drop=False, reason="other_provider")
        return replace(verdict, grade="words") if others and verdict.grade != "fact" else verdict

    def _without(self, others: Sequence[Policy], failure: Failure) -> Failure:
        if not others:
            return failure
        rivals = frozenset(origin for origin in failure.rivals if self.at(origin) not in others)
        return replace(failure, rivals=rivals)

    def provider_in(self, text: str) -> str | None:
        """Return the longest of the providers that `text` names anywhere, None where it names none."""
        return max((name for name in self.by_provider if name in text), key=len, default=None)

    def _names_another(self, failure: Failure, policy: Policy) -> bool:
        """Say whether the wire text that this policy takes for its own is another's: "AI" ends "Open AI"."""
        if failure.endpoint is not None and self.at(failure.endpoint) is policy:
            return False  # its own answer is nearer the wire than any sentence about others
        return any(label != policy.provider for label in labels_in(failure.text, self.by_provider))


def unknown_provider(place: str, provider: object, known: Mapping[str, object]) -> str:
    """Return the message of the error that no backend has this provider."""
    expected = " or ".join(map(repr, known))
    return f"{place}: invalid provider {provider!r}; expected {expected}"


def _validate(policies: Sequence[Policy]) -> None:
    if not policies or not all(isinstance(policy, Policy) for policy in policies):
        raise ValueError(f"policies: invalid value {policies!r}; expected a Policy, or one for each backend")
    for one, other in combinations(policies, 2):
        if one.provider.lower() == other.provider.lower():
            raise ValueError(
                f"provider: invalid value {other.provider!r} of two policies; expected distinct ones"
            )
        for host in _shared_hosts(one, other):
            raise ValueError(
                f"hosts: invalid value {host!r} of {one.provider} and {other.provider}; "
                "expected hosts that only one backend has"
            )
        for name in ("credential_headers", "kept_keys", "mode"):
            if getattr(one, name) != getattr(other, name):
                raise ValueError(
                    f"{name}: invalid value {getattr(other, name)!r} of {other.provider}; expected "
                    f"{getattr(one, name)!r} as of {one.provider}, since it holds for all backends"
                )


def _shared_hosts(one: Policy, other: Policy) -> Iterator[str]:
    """Yield hosts by which an endpoint can belong to both; without its port, it may be on any default one."""
    for endpoint in sorted(other.endpoints, key=str):
        port_unknown = Endpoint(endpoint.host)
        both_unknown = serves(one.endpoints, port_unknown) and serves(other.endpoints, port_unknown)
        on_any_port = endpoint.port is None and any(mine.host == endpoint.host for mine in one.endpoints)
        if both_unknown or on_any_port or serves(one.endpoints, endpoint):
            yield str(endpoint)
