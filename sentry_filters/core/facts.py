"""The evidence in a failure, a short line for each fact: labels and hosts, beside what the policy expects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from sentry_filters.core.policy import Policy
from sentry_filters.core.recognition import operation_of
from sentry_filters.evidence import Failure, Response, fold, serves, statements_in

_MOST = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a failure, as lines of text.

    Args:
        failure: The failure.
        policy: The policy that judges it.
        clean: Removes secrets from a text, and what could control a terminal.
    """

    failure: Failure
    policy: Policy
    clean: Callable[[str], str]

    def lines(self) -> Iterator[str]:
        """Yield one line for each fact; nothing in them is a message, a body or a credential."""
        failure, policy = self.failure, self.policy
        yield f"provider: {self._told(failure.provider, 'tag')}; expected {policy.provider!r}"
        yield f"status: {self._statuses()}; expected {_listed(map(str, sorted(policy.statuses)))}"
        yield from self._texts()
        yield f"operation: {self._told(operation_of(failure, policy))}"
        yield from self._tags()
        if failure.response is None:
            yield "response: none; no exception or call leads to one"
        else:
            yield from self._response(failure.response)
        yield from self._beside()

    def _statuses(self) -> str:
        tag, response = self.failure.status, self.failure.response
        known = [] if tag is None else [f"{tag} by the tag"]
        if response is not None:
            known.append(f"{response.status} by the response")
        return " and ".join(known) or "none"

    def _texts(self) -> Iterator[str]:
        for statement in statements_in(self.failure.text, self.policy.provider)[:_MOST]:
            whose = f"a failure of {self.policy.provider}" if statement.ours else "another provider's failure"
            status = "no status" if statement.status is None else f"status {statement.status}"
            yield f"wire text: it states {whose}, with {status}"

    def _tags(self) -> Iterator[str]:
        failure, policy = self.failure, self.policy
        if failure.domain is not None:
            yield f"domain: {self._told(failure.domain, 'tag')}; the policy has {policy.domain!r}"
        if failure.failure is not None:
            yield f"failure: {self._told(failure.failure, 'tag')}"

    def _response(self, response: Response) -> Iterator[str]:
        hosts = _listed(sorted(self.policy.hosts)) or "any, since hosts is empty"
        by = "seen by instrument" if response.recorded else "read from the exception"
        yield f"response: from {self._told(_text(response.endpoint))}, {by}; expected {hosts}"
        method = response.method or "unknown method"
        yield f"request: {self.clean(method)} {self._told(response.path)}"
        yield f"body: {self._body(response)}"
        if response.by_backend is False:
            yield "headers or body: HTML, or a proxy's challenge"
        sent = {None: "not known", True: "sent", False: "none was sent"}[response.credential]
        session = "" if response.session is None else f", of session {self.clean(response.session)}"
        yield f"credential: {sent}{session}"

    def _body(self, response: Response) -> str:
        read = "read" if response.body_known else "not read in full"
        vetoing = sorted(self.policy.vetoes.intersection(map(fold, response.codes)))
        return (
            f"{read}; its code {vetoing[0]!r} is a veto" if vetoing else f"{read}; no code of the veto in it"
        )

    def _beside(self) -> Iterator[str]:
        failure, endpoints = self.failure, self.policy.endpoints
        rivals = [one for one in failure.rivals if one != failure.endpoint and not serves(endpoints, one)]
        if rivals:
            yield f"other calls: the report also leads to {self.clean(_listed(sorted(map(str, rivals))))}"
        if failure.second_failure:
            yield "other failures: the report states one whose origin is not known"
        if failure.other_exception:
            yield "exception: its class has another job than to report a failed call"
        if failure.raised_while_handling:
            yield "exception: raised while a failed call was handled"
        if not failure.is_message:
            yield "level: informational, so its text is only words"

    def _told(self, value: str | None, by: str = "") -> str:
        if value is None:
            return f"no {by}" if by else "unknown"
        return f"{self.clean(value)!r}{f' by the {by}' if by else ''}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _listed(values: Collection[str] | Iterator[str]) -> str:
    listed = list(values)
    more = f" and {len(listed) - _MOST} more" if len(listed) > _MOST else ""
    return f"{', '.join(listed[:_MOST])}{more}"
