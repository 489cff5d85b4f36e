"""The rule of `recognition`, as conditions by which an OpenTelemetry Collector drops a span or a log record.

A Collector knows a single record only: neither what `instrument` saw nor the spans below. What is in doubt is
kept, as by the rule itself; what cannot be expressed exactly is expressed more strictly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from sentry_filters.core import Policy
from sentry_filters.evidence import Endpoint, conventions
from sentry_filters.targets.collector.ottl import (
    all_of,
    any_of,
    attribute,
    equals,
    first_matches,
    is_match,
    is_one_of,
    is_set,
    negated,
    none_set,
)
from sentry_filters.targets.regexes import ascii_caseless, quoted

_END = r"\z"
_FORM = f"(?:{quoted(conventions.API_ERROR)}|{quoted(conventions.RETURNED_HTTP)})"
_TWO_FORMS = f"(?s){_FORM}.*{_FORM}"
_JOINERS = conventions.WORD_JOINERS.replace("\\", r"\\").replace("-", r"\-")
_BEFORE_LABEL = rf"(?:^|[^\p{{L}}\p{{N}}\p{{M}}\p{{Cf}}{_JOINERS}])"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*"
_SCHEMES: Mapping[int, str] = {port: scheme for scheme, port in conventions.DEFAULT_PORTS.items()}

_DOMAIN, _OPERATION, _PROVIDER, _STATUS, _FAILURE = map(attribute, conventions.TAG_NAMES)
_HTTP_STATUS = tuple(map(attribute, conventions.HTTP_STATUS))
_URLS = tuple(map(attribute, conventions.URL))
_PATHS = tuple(map(attribute, conventions.PATH))
_HOSTS = tuple((attribute(host), attribute(port)) for host, port in conventions.HOST_AND_PORT)
_OUTGOING = all_of("kind != SPAN_KIND_SERVER", "kind != SPAN_KIND_CONSUMER")

_in_message = partial(is_match, "status.message")

InText = Callable[[str], str]
"""The condition that the record's own text matches a pattern."""


def span_conditions(policy: Policy) -> Sequence[tuple[str, str]]:
    """Return what drops a span: pairs of what it is and its condition; none where spans are demoted only."""
    if policy.span_action == "demote":
        return ()
    conditions = [
        ("an HTTP client's span that names nobody else, by its tags or its text", _named_span(policy)),
        ("a call's span without a status of its own, by its tags or its text", _call_span(policy)),
    ]
    if policy.endpoints:
        served = "an HTTP client's span: one of the backend's hosts answered with the status"
        conditions.insert(0, (served, _served_span(policy)))
    return conditions


def log_conditions(policy: Policy) -> Sequence[tuple[str, str]]:
    """Return what drops a log record: pairs of what it is and its condition."""
    return (("a report of the failure, by its tags or its text", _reported(policy, _in_log)),)


def _served_span(policy: Policy) -> str:
    agreed = _no_contradiction(policy, _in_message)
    return all_of(_http_status(policy), _served(policy), _operation(policy), agreed)


def _named_span(policy: Policy) -> str:
    operation = _operation(policy)
    return all_of(
        _http_status(policy),
        none_set(*_URLS, *(host for host, _ in _HOSTS)) if policy.endpoints else "",
        _no_contradiction(policy, _in_message),
        _no_other_words(policy, _in_message),
        any_of(
            all_of(equals(_PROVIDER, policy.provider), operation),
            all_of(_own_words(policy, _in_message), any_of(operation, none_set(*_URLS, *_PATHS))),
        ),
    )


def _call_span(policy: Policy) -> str:
    return all_of(
        none_set(*_HTTP_STATUS),
        any_of("status.code == STATUS_CODE_ERROR", is_set(_FAILURE)),
        _is_call(policy),
        _reported(policy, _in_message),
    )


def _reported(policy: Policy, in_text: InText) -> str:
    """All of the tags, or the provider's own words; and nothing that contradicts them."""
    tagged = all_of(
        is_match(_STATUS, _own_status(policy)),
        equals(_PROVIDER, policy.provider),
        _own_operation(policy, policy.operations),
    )
    return all_of(
        _no_contradiction(policy, in_text),
        _no_other_words(policy, in_text),
        any_of(tagged, _own_words(policy, in_text)),
    )


def _http_status(policy: Policy) -> str:
    return all_of(_OUTGOING, first_matches(_own_status(policy), *_HTTP_STATUS))


def _is_call(policy: Policy) -> str:
    operation = attribute(conventions.GEN_AI_OPERATION)
    inference = attribute(conventions.OPENINFERENCE_KIND)
    workflow = attribute(conventions.OPENLLMETRY_KIND)
    models = map(attribute, (conventions.OPENLLMETRY_REQUEST, conventions.REQUEST_MODEL))
    return any_of(
        equals(_DOMAIN, policy.domain),
        is_one_of(operation, conventions.MODEL_REQUESTS),
        all_of(none_set(operation), equals(inference, "LLM")),
        all_of(none_set(operation, inference, workflow), any_of(*map(is_set, models))),
        all_of(_OUTGOING, any_of(*map(is_set, map(attribute, conventions.HTTP_METHOD)))),
    )


def _no_contradiction(policy: Policy, in_text: InText) -> str:
    """All that is known agrees: provider, status, operation and failure of the tags, and the body's code."""
    codes = "|".join(map(quoted, sorted(policy.not_session_codes)))
    any_status = f"^[ ]*[1-5][0-9][0-9](?:[^0-9]|{_END})"
    return all_of(
        any_of(none_set(_PROVIDER), equals(_PROVIDER, policy.provider)),
        any_of(is_match(_STATUS, _own_status(policy)), negated(is_match(_STATUS, any_status))),
        any_of(
            none_set(_OPERATION),
            is_one_of(_OPERATION, policy.operations),
            all_of(is_set(_DOMAIN), negated(is_one_of(_DOMAIN, (policy.domain, "")))),
            none_set(_DOMAIN, _PROVIDER),
        ),
        any_of(
            negated(equals(_DOMAIN, policy.domain)),
            none_set(_FAILURE),
            equals(_FAILURE, conventions.FAILED_RESPONSE),
        ),
        negated(in_text(rf"(?i)\b(?:{codes})\b")) if codes else "",
    )


def _own_words(policy: Policy, in_text: InText) -> str:
    label = f"{_BEFORE_LABEL}{quoted(policy.provider)}(?:{conventions.STREAMING})?"
    words = rf"{label}{_FORM}{_statuses(policy)}(?:[^\p{{L}}\p{{N}}]|{_END})"
    return all_of(in_text(words), negated(in_text(_TWO_FORMS)))


def _no_other_words(policy: Policy, in_text: InText) -> str:
    return any_of(negated(in_text(_FORM)), _own_words(policy, in_text))


def _own_status(policy: Policy) -> str:
    return f"^[ ]*{_statuses(policy)}(?:[^0-9]|{_END})"


def _statuses(policy: Policy) -> str:
    return f"(?:{'|'.join(map(str, policy.statuses))})"


def _own_operation(policy: Policy, operations: Iterable[str]) -> str:
    domain = any_of(none_set(_DOMAIN), equals(_DOMAIN, policy.domain))
    return all_of(is_one_of(_OPERATION, operations), domain)


def _operation(policy: Policy) -> str:
    """An LLM call by its path, by a tag that owns no path, or by any tag where no path is known."""
    calls = [suffix for suffix, operation in policy.paths.items() if operation in policy.operations]
    others = [suffix for suffix in policy.paths if suffix not in calls]
    return any_of(
        _by_path(calls, others),
        _by_pathless_tag(policy, others),
        all_of(none_set(*_URLS, *_PATHS), _own_operation(policy, policy.operations)),
    )


def _by_path(calls: Sequence[str], others: Sequence[str]) -> str:
    # The longest suffix wins: where an LLM call's is the end of another's, that other one must not match.
    longer = {suffix: [other for other in others if other.endswith(suffix)] for suffix in calls}
    return any_of(
        _ends_in(suffix for suffix in calls if not longer[suffix]),
        *(all_of(_ends_in([suffix]), negated(_ends_in(found))) for suffix, found in longer.items() if found),
    )


def _by_pathless_tag(policy: Policy, others: Sequence[str]) -> str:
    pathless = [operation for operation in policy.operations if operation not in policy.paths.values()]
    return all_of(_own_operation(policy, pathless), negated(_ends_in(others))) if pathless else ""


def _ends_in(suffixes: Iterable[str]) -> str:
    """The path ends in one of `suffixes`; empty where there are none."""
    ends = "|".join(map(quoted, suffixes))
    if not ends:
        return ""
    end = f"(?:{ends})/*(?:[?#]|{_END})"
    return any_of(
        first_matches(f"^{_SCHEME}://[^/?#]+(?:/[^?#]*)?{end}", *_URLS),
        all_of(none_set(*_URLS), first_matches(f"^[^?#]*{end}", *_PATHS)),
    )


def _served(policy: Policy) -> str:
    """One of the backend's hosts answered, by the URL, else by the address."""
    endpoints = sorted(policy.endpoints, key=str)
    urls = "|".join(map(_url_of, endpoints))
    (address, port), (peer, peer_port) = _HOSTS
    by_address = any_of(
        _at_address(endpoints, address, port),
        all_of(none_set(address), _at_address(endpoints, peer, peer_port)),
    )
    return any_of(
        first_matches(f"^(?:{urls})(?:[/?#]|{_END})", *_URLS),
        all_of(none_set(*_URLS, attribute(conventions.SENTRY_OP)), by_address),
    )


def _at_address(endpoints: Sequence[Endpoint], host: str, port: str) -> str:
    def at(endpoint: Endpoint) -> str:
        named = is_match(host, f"^\\[?{ascii_caseless(endpoint.host)}\\]?\\.?{_END}")
        if endpoint.port is None:
            return named
        # Conventions leave the port out where it is the default.
        unnamed = none_set(port) if endpoint.port in _SCHEMES else ""
        return all_of(named, any_of(unnamed, is_match(port, f"^{endpoint.port}{_END}")))

    return any_of(*map(at, endpoints))


def _url_of(endpoint: Endpoint) -> str:
    host = ascii_caseless(endpoint.host)
    host = rf"\[{host}\]" if ":" in endpoint.host else rf"{host}\.?"
    # A user's name never counts as the host, but would where a client takes a backslash for a slash.
    user = r"(?:[^/?#\\]*@)?"
    if endpoint.port is None:
        return f"{_SCHEME}://{user}{host}(?::[0-9]*)?"
    stated = f"{_SCHEME}://{user}{host}:{endpoint.port}"
    scheme = _SCHEMES.get(endpoint.port)
    return stated if scheme is None else f"{stated}|{ascii_caseless(scheme)}://{user}{host}:?"


def _in_log(pattern: str) -> str:
    message = attribute(conventions.EXCEPTION_MESSAGE)
    unsaid = any_of(none_set(message), equals(message, ""))
    return any_of(
        is_match(message, pattern),
        all_of(unsaid, "IsString(body)", is_match("body", pattern)),
        all_of(unsaid, "IsMap(body)", is_match('body["message"]', pattern)),
    )
