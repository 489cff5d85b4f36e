"""What a new policy would make of a decision in a ledger, as far as the row holds the evidence.

A row has labels, ids and a status. It has neither the reported text, nor the body and its codes, nor the
path, the port, the headers or the other calls that the report led to. So each field that differs between the
policies is looked at by itself: the row shows that it makes no difference, or that the report is kept now;
else nobody can tell. What comes after the first reason to keep was never recorded: that a report would newly
be dropped only the report itself can show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sentry_filters.core import DecisionRecord, Policy
from sentry_filters.evidence import Endpoint
from sentry_filters.preview.difference import Outcome

_SILENCED = frozenset({"drop", "demote", "would_drop", "would_demote"})
_OF_STATEMENTS = frozenset({"other_provider", "other_status", "not_a_session_code", "raised_while_handling"})
# Which reasons to keep a report another value of a field may undo; no other reason rests on the policy.
_UNDOES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "statuses": frozenset({"other_status"}),
        "provider": _OF_STATEMENTS | {"unknown_provider", "unknown_operation", "uncorroborated"},
        "hosts": _OF_STATEMENTS
        | {
            "contradicting_host",
            "unknown_provider",
            "unknown_operation",
            "not_the_backend",
            "uncorroborated",
        },
        "operations": frozenset({"other_operation", "unknown_operation", "uncorroborated"}),
        "domain": frozenset({"other_operation", "other_failure", "unknown_operation", "uncorroborated"}),
        "not_session_codes": frozenset({"not_a_session_code", "uncorroborated"}),
        "credential_headers": frozenset({"no_credential"}),
        "scope": frozenset({"uncorroborated"}),
        "publish_on": frozenset({"uncorroborated"}),
    }
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The row shows that the new policy keeps the report, for this reason."""

    reason: str


_CANNOT_TELL = "cannot tell"
_Effect = _Kept | str | None
"""What a field's new value does to a report that was dropped: `_CANNOT_TELL`, or None for nothing."""


class RowJudge:
    """Judges the decisions of one backend's guard.

    Args:
        old: The policy that decided; of a field that it does not state, the row's own evidence counts.
        new: The new one.
    """

    def __init__(self, old: Policy, new: Policy) -> None:
        self._old = old
        self._new = new
        self._changed = frozenset(field for field in _UNDOES if _value(old, field) != _value(new, field))

    def is_concerned(self, record: DecisionRecord) -> bool:
        """Say whether the decision is about the backend that the policies are about."""
        return record.backend == self._old.provider

    def outcomes(self, record: DecisionRecord) -> tuple[Outcome, Outcome]:
        """Return what was decided, and what the new policy would decide."""
        silenced = record.verdict in _SILENCED
        before = Outcome("drop" if silenced else "keep", record.reason)
        if record.reason == "refused_by_gate":  # a refusal is no failure: no policy is asked
            return before, before
        return before, self._of_dropped(record, before) if silenced else self._of_kept(record, before)

    def _of_dropped(self, record: DecisionRecord, before: Outcome) -> Outcome:
        unknown: str | None = None
        for field, effect in self._effects(record):
            if isinstance(effect, _Kept):
                return Outcome("keep", effect.reason)
            if effect is not None and unknown is None:
                unknown = field
        return before if unknown is None else Outcome("cannot_tell", unknown)

    def _of_kept(self, record: DecisionRecord, before: Outcome) -> Outcome:
        undone = next((field for field in _UNDOES if self._may_undo(field, record)), None)
        if undone is None:
            return before
        kept = (effect.reason for _, effect in self._effects(record) if isinstance(effect, _Kept))
        reason = next(kept, None)
        return Outcome("cannot_tell", undone) if reason is None else Outcome("keep", reason)

    def _may_undo(self, field: str, record: DecisionRecord) -> bool:
        """Say whether the field's new value may take away the reason for which the report was kept."""
        if record.reason not in _UNDOES[field]:
            return False
        shown = _SHOWS.get(record.reason)
        if shown is not None and shown(record, self._new):
            return True  # whatever is known of the old policy: it cannot have had this value
        return field in self._changed and not self._makes_no_difference(field, record)

    def _makes_no_difference(self, field: str, record: DecisionRecord) -> bool:
        if field == "hosts" and record.reason != "contradicting_host":
            return record.host is None or _served(self._old, record.host) == _served(self._new, record.host)
        return False

    def _effects(self, record: DecisionRecord) -> Iterator[tuple[str, _Effect]]:
        """Yield what each field's value does to a report that nothing kept before: facts of the row first."""
        for field, effect in _FACTS.items():
            yield field, effect(record, self._old, self._new)
        for field, effect in _REST.items():
            if field in self._changed:
                yield field, effect(record, self._old, self._new)


def _value(policy: Policy, field: str) -> object:
    if field == "operations":
        return policy.llm_operations, dict(policy.paths)
    places = {"hosts": "endpoints", "not_session_codes": "vetoes"}
    value: object = getattr(policy, places.get(field, field))
    return frozenset(value) if isinstance(value, tuple) else value


def _served(policy: Policy, host: str) -> bool | None:
    """Say whether the policy names a host; None where it names some of its ports only, or no host at all."""
    ports = {endpoint.port for endpoint in policy.endpoints if endpoint.host == Endpoint(host).host}
    if not policy.endpoints or (ports and None not in ports):
        return None
    return bool(ports)


# What a row says by itself


def _status(record: DecisionRecord, _old: Policy, new: Policy) -> _Effect:
    return _Kept("other_status") if record.status is not None and record.status not in new.statuses else None


def _provider(record: DecisionRecord, old: Policy, new: Policy) -> _Effect:
    if record.provider is not None and record.provider not in (new.provider, record.backend):
        return _Kept("other_provider")
    # Its own provider's label is written also where the report names none.
    return _CANNOT_TELL if old.provider != new.provider else None


def _host(record: DecisionRecord, old: Policy, new: Policy) -> _Effect:
    if record.host is None or not new.endpoints:
        return None
    served = _served(new, record.host)
    if served is False:
        return _Kept("contradicting_host")
    return _CANNOT_TELL if served is None and old.endpoints != new.endpoints else None


def _operation(record: DecisionRecord, old: Policy, new: Policy) -> _Effect:
    operation = record.operation
    if operation is None:
        return None
    paths = [suffix for suffix, named in old.paths.items() if named == operation]
    renamed = any(new.paths.get(suffix) not in (None, operation) for suffix in paths)
    if operation not in new.llm_operations:
        return _CANNOT_TELL if renamed else _Kept("other_operation")
    lost = renamed or _takes_out_paths(operation, old, new)
    return _CANNOT_TELL if lost and record.host is not None else None


def _takes_out_paths(operation: str, old: Policy, new: Policy) -> bool:
    """Say whether the new policy takes out a path that the operation has, or may have a part of."""
    taken_out = [suffix for suffix, named in new.paths.items() if named is None]
    return any(old.paths.get(suffix, operation) == operation for suffix in taken_out)


_FACTS: Mapping[str, Callable[[DecisionRecord, Policy, Policy], _Effect]] = MappingProxyType(
    {"statuses": _status, "provider": _provider, "hosts": _host, "operations": _operation}
)


# What a row says nothing of


def _codes(_record: DecisionRecord, old: Policy, new: Policy) -> _Effect:
    return None if new.vetoes <= old.vetoes else _CANNOT_TELL


def _headers(_record: DecisionRecord, old: Policy, new: Policy) -> _Effect:
    return None if set(old.credential_headers) <= set(new.credential_headers) else _CANNOT_TELL


def _domain(record: DecisionRecord, _old: Policy, _new: Policy) -> _Effect:
    return None if record.domain is None else _CANNOT_TELL


def _scope(record: DecisionRecord, _old: Policy, new: Policy) -> _Effect:
    return None if new.scope == "process" or record.session is not None else _CANNOT_TELL


def _publishing(record: DecisionRecord, _old: Policy, new: Policy) -> _Effect:
    return None if new.publish_on == "statement" or record.grade == "fact" else _CANNOT_TELL


_REST: Mapping[str, Callable[[DecisionRecord, Policy, Policy], _Effect]] = MappingProxyType(
    {
        "domain": _domain,
        "not_session_codes": _codes,
        "credential_headers": _headers,
        "scope": _scope,
        "publish_on": _publishing,
    }
)


# What a row shows of the policy that decided: for this reason to keep, it cannot have had the new value

_SHOWS: Mapping[str, Callable[[DecisionRecord, Policy], bool]] = MappingProxyType(
    {
        "contradicting_host": lambda record, new: (
            record.host is not None and _served(new, record.host) is not False
        ),
        "other_provider": lambda record, new: record.provider == new.provider != record.backend,
        "other_operation": lambda record, new: record.operation in new.llm_operations,
    }
)
